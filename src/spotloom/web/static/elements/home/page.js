// The list of campaigns: searched, filtered, and kept up to date while somebody looks.
import { api } from "../../core/api.js";
import { Element, icon, may, pageData } from "../../core/element.js";
import { plural } from "../../core/format.js";
import { keys, offer } from "../../core/keys.js";
import { announce, complain, toast } from "../../core/toast.js";
import { html, live, nothing, repeat, signal } from "../../vendor/lit.js";
import { grouped } from "../parts/counts.js";
import { nextTo } from "../parts/focus.js";
import { Poll } from "../parts/poll.js";
import "./empty.js";
import "./money.js";
import { stateOf, titleOf } from "./row.js";

const PAGE = 30;
const MOVING_MS = 3000;
const EVERY_OTHER = 5; // turns between looks at what is new
/** The filters: what people choose, and what the API calls it. */
const FILTERS = {
  all: ["All", {}],
  running: ["Running", { state: "active", running: "true" }],
  paused: ["Paused", { state: "paused" }],
  finished: ["Finished", { state: "active", running: "false" }],
  cancelled: ["Cancelled", { state: "cancelled" }],
};

const data = pageData();
const list = signal(data.items);
const cursor = signal(data.nextCursor);
const budget = signal(data.budget);
const fresh = signal(0); // new campaigns that are not shown yet
const busy = signal(false);
const failed = signal(null); // why what is asked for could not be had
const clock = signal(Date.now());

const url = () => new URL(location.href);
const filter = () => (Object.hasOwn(FILTERS, url().searchParams.get("show")) ? url().searchParams.get("show") : "all");
const text = () => url().searchParams.get("text") ?? "";

function question(more = {}) {
  const asked = new URLSearchParams({ limit: PAGE, ...FILTERS[filter()][1], ...more });
  if (text()) asked.set("text", text());
  return `/api/campaigns?${asked}`;
}

const moves = (campaign) => {
  const { running, queued } = grouped(campaign.counts);
  return campaign.state !== "cancelled" && running + queued > 0;
};

/** Put newer figures in place; whatever did not change keeps its object, and is not drawn again. */
function patch(newer) {
  const known = new Map(newer.map((campaign) => [campaign.id, campaign]));
  let changed = false;
  const next = list.get().map((campaign) => {
    const now = known.get(campaign.id);
    if (!now || JSON.stringify(now) === JSON.stringify(campaign)) return campaign;
    changed = true;
    if (moves(campaign) && !moves(now)) announce(`${titleOf(now)}: ${stateOf(now)[1]}.`);
    return now;
  });
  if (changed) list.set(next);
}

class CampaignList extends Element {
  turn = 0;

  connectedCallback() {
    super.connectedCallback();
    this.poll = new Poll(MOVING_MS, () => this.look());
    this.query = text();
    addEventListener("popstate", () => {
      this.query = text();
      this.requestUpdate();
      return this.ask();
    });
    keys({
      j: { does: "Next campaign", run: () => this.step(1) },
      k: { does: "Campaign before", run: () => this.step(-1) },
      "/": { does: "Search", run: () => this.querySelector("input[type=search]")?.focus() },
      Escape: { run: () => document.activeElement?.matches("input[type=search]") && this.clear() },
      d: {
        does: "Duplicate the campaign's brief",
        run: () => this.duplicate(),
        when: () => may("editor") && this.here() >= 0,
      },
    });
    offer(
      ...Object.entries(FILTERS).map(([key, [word]]) => ({
        label: `Show campaigns: ${word}`,
        run: () => this.show(key),
      })),
    );
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.poll.stop();
  }

  async look() {
    const moving = list.get().filter(moves);
    const whole = this.turn++ % EVERY_OTHER === 0;
    if (moving.length) {
      const { items } = await api.get(`/api/campaigns?running=true&limit=200`);
      const there = new Set(items.map((campaign) => campaign.id));
      const over = moving.filter((campaign) => !there.has(campaign.id)).slice(0, 10);
      const ended = await Promise.all(
        over.map((campaign) => api.get(`/api/campaigns/${campaign.id}`).catch(() => null)),
      );
      patch([...items, ...ended.filter(Boolean)]);
    }
    if (whole) {
      const { items } = await api.get(question());
      const known = new Set(list.get().map((campaign) => campaign.id));
      fresh.set(
        items.filter((campaign) => !known.has(campaign.id) && campaign.createdAt > (list.get()[0]?.createdAt ?? ""))
          .length,
      );
      patch(items);
      budget.set(await api.get("/api/budget"));
    }
    clock.set(Date.now());
  }

  async ask() {
    busy.set(true);
    this.asked?.abort();
    this.more?.abort();
    const asked = (this.asked = new AbortController());
    try {
      const { items, nextCursor } = await api.get(question(), { signal: asked.signal });
      list.set(items);
      cursor.set(nextCursor);
      fresh.set(0);
      failed.set(null);
      announce(plural(items.length, "campaign"));
    } catch (error) {
      if (error.name === "AbortError") return;
      // Rows of another filter would belie the one that is pressed now.
      list.set([]);
      cursor.set(null);
      failed.set(error.message);
    } finally {
      if (this.asked === asked) busy.set(false);
    }
  }

  async further() {
    if (busy.get() || !cursor.get()) return;
    busy.set(true);
    const more = (this.more = new AbortController());
    try {
      const { items, nextCursor } = await api.get(question({ cursor: cursor.get() }), { signal: more.signal });
      const known = new Set(list.get().map((campaign) => campaign.id));
      list.set([...list.get(), ...items.filter((campaign) => !known.has(campaign.id))]);
      cursor.set(nextCursor);
    } catch (error) {
      complain(error);
    } finally {
      if (!more.signal.aborted) busy.set(false);
    }
  }

  go(changes, { push = false } = {}) {
    clearTimeout(this.typing);
    const next = url();
    for (const [name, value] of Object.entries(changes))
      value ? next.searchParams.set(name, value) : next.searchParams.delete(name);
    history[push ? "pushState" : "replaceState"](null, "", next);
    this.requestUpdate();
    return this.ask();
  }

  show(key) {
    return this.go({ show: key === "all" ? "" : key }, { push: true });
  }

  search(event) {
    clearTimeout(this.typing);
    this.query = event.target.value;
    this.typing = setTimeout(() => this.go({ text: this.query.trim() }), 200);
  }

  clear() {
    this.query = "";
    return this.go({ text: "" });
  }

  rows() {
    return [...this.querySelectorAll("a.title")];
  }

  here() {
    return this.rows().findIndex((link) => link.closest("article").contains(document.activeElement));
  }

  step(by) {
    const rows = this.rows();
    const place = this.here();
    rows[Math.max(0, Math.min(rows.length - 1, place < 0 ? 0 : place + by))]?.focus();
  }

  duplicate() {
    location.assign(`/new?from=${encodeURIComponent(list.get()[this.here()].batchId)}`);
  }

  async remove({ detail: campaign, target }) {
    const before = list.get();
    const onward = nextTo(target);
    list.set(before.filter((each) => each.id !== campaign.id));
    onward();
    try {
      await api.delete(`/api/campaigns/${campaign.id}`);
    } catch (error) {
      list.set(before);
      complain(error);
      return;
    }
    toast(`${campaign.brief.brand}: ${campaign.batchId} is deleted. What it cost stays in the books.`, {
      action: { label: "Undo", run: () => this.restore(campaign) },
    });
  }

  async restore(campaign) {
    try {
      const back = await api.post(`/api/campaigns/${campaign.id}/restore`);
      list.set([...list.get(), back].sort((a, b) => (a.id < b.id ? 1 : -1)));
      announce("The campaign is back.");
    } catch (error) {
      complain(error);
    }
  }

  render() {
    const campaigns = list.get();
    const line = this.poll.state.get();
    const narrowed = filter() !== "all" || text();
    const running = campaigns.filter(moves).length;
    document.title = `${running ? `${running} running · ` : ""}Campaigns · Spotloom`;
    if (!campaigns.length && !narrowed && !busy.get() && !failed.get())
      return html`<home-empty .free=${!data.charges}></home-empty>`;
    const money = document.querySelector("money-line");
    if (money) Object.assign(money, { budget: budget.get(), free: !data.charges });
    return html`<div class="toolbar line">
        <label class="withicon search"
          ><span class="unseen">Search campaigns</span>${icon("search", "small")}
          <input
            class="input small"
            type="search"
            placeholder="Search brand, idea or batch id"
            .value=${live(this.query)}
            @input=${this.search}
        /></label>
        <div class="chips" role="group" aria-label="Show">
          ${Object.entries(FILTERS).map(
            ([key, [word]]) =>
              html`<button class="chip" aria-pressed=${filter() === key} @click=${() => this.show(key)}>
                ${word}
              </button>`,
          )}
        </div>
        <span class="push livemark ${line} ${line === "live" ? "wide-only" : ""}"
          >${line === "live" ? "Live" : "Reconnecting"}</span
        >
      </div>
      ${
        fresh.get() && !failed.get()
          ? html`<button class="button newer" @click=${() => this.ask()}>
              ${icon("arrow-up", "small")}Show ${plural(fresh.get(), "new campaign")}
            </button>`
          : nothing
      }
      <div class="campaigns" aria-busy=${busy.get()} @remove=${this.remove}>
        ${repeat(
          campaigns,
          (campaign) => campaign.id,
          (campaign) => html`<campaign-row .campaign=${campaign} .now=${clock.get()}></campaign-row>`,
        )}
      </div>
      ${campaigns.length ? nothing : busy.get() ? html`<div class="skeleton row"></div>` : failed.get() ? this.unknown() : this.nothing()}
      ${cursor.get() ? html`<p class="further"><button class="button" aria-busy=${busy.get()} @click=${() => this.further()}>Show older campaigns</button></p>` : nothing}`;
  }

  unknown() {
    return html`<div class="empty" role="alert">
      ${icon("wifi-off", "large")}
      <h2>The campaigns could not be had</h2>
      <p>${failed.get()}</p>
      <button class="button" @click=${() => this.ask()}>Try again</button>
    </div>`;
  }

  nothing() {
    return html`<div class="empty">
      ${icon("search", "large")}
      <h2>No campaign fits</h2>
      <p>
        Nothing
        ${filter() === "all" ? "" : `that is ${FILTERS[filter()][0].toLowerCase()} `}${text() ? html`has “${text()}” in its brand, idea or batch id` : "is here"}.
      </p>
      <button
        class="button"
        @click=${() => {
          this.query = "";
          this.go({ show: "", text: "" });
        }}
      >
        Show all campaigns
      </button>
    </div>`;
  }
}
customElements.define("campaign-list", CampaignList);
