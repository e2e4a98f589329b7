// One lane: its slots and what holds each, its limits, and what starts next.
import { api } from "../../core/api.js";
import { Element, icon, may, once, pageData } from "../../core/element.js";
import { STATUS, count, plural, span } from "../../core/format.js";
import { complain, toast } from "../../core/toast.js";
import { html, nothing, repeat } from "../../vendor/lit.js";
import { part } from "../parts/counts.js";
import { laneState, whyNext } from "./why.js";

const MOST_ROWS = 12; // a lane with more slots shows those in use alone
const MOST_SQUARES = 120;
const SETTLE_MS = 600; // steps of the limit are sent together

const MOST_SHOWN = 24; // slots of a long lane

const { labels } = pageData();
const options = (values) =>
  Object.entries(values)
    .filter(([, option]) => option !== "any")
    .map(([dimension, option]) => labels[dimension]?.[option] ?? option)
    .join(" · ");
const addressOf = (video) => `/campaigns/${encodeURIComponent(video.batchId)}`;

class QueueLane extends Element {
  static properties = { lane: { attribute: false }, now: { attribute: false }, pending: { state: true }, tapping: { state: true } };

  render() {
    const { lane } = this;
    const state = laneState(lane, this.now);
    return html`<article class="card lane" aria-labelledby="lane-${lane.id}">
      <header>
        <div>
          <h2 id="lane-${lane.id}">${lane.provider}</h2>
          <p class="soft small">Account <span class="mono">${lane.account}</span></p>
        </div>
        <span class="tag ${state.look}">${state.word}</span>${this.tap(state)}
      </header>
      ${
        state.says
          ? html`<div class="notice ${state.look === "bad" ? "bad" : "warn"}">
              ${icon(state.seconds ? "timer" : "triangle-alert")}
              <div>
                <p>${state.says}</p>
                ${state.look === "bad" ? html`<p><a href="/settings/providers">Test the provider</a></p>` : nothing}
              </div>
            </div>`
          : nothing
      }
      ${this.squares(lane)}
      <div class="columns">
        <section aria-label="At the provider">
          <h3>At the provider <span class="soft">${count(lane.held)} of ${count(this.limit)}</span></h3>
          ${this.slots(lane)}
        </section>
        <section aria-label="Next">
          <h3>Next <span class="soft">${this.waiting(lane)}</span></h3>
          ${this.next(lane, state)}
        </section>
      </div>
      ${this.limits(lane)}
    </article>`;
  }

  get limit() {
    return this.pending ?? this.lane.limit;
  }

  tap(state) {
    if (!may("admin")) return nothing;
    const closed = state.blocked || state.seconds;
    return html`<button
      class="button small ${closed ? "primary" : ""}"
      aria-busy=${Boolean(this.tapping)}
      @click=${once(() => this.turn(closed))}
    >
      ${icon(closed ? "play" : "pause", "small")}${state.seconds ? "Open now" : closed ? "Resume" : "Pause"}
    </button>`;
  }

  /** Open or pause the lane; until that is answered the button does nothing more. */
  async turn(closed) {
    if (this.tapping) return;
    this.tapping = true;
    await (closed
      ? this.set({ state: "open" }, "Resumed.")
      : this.set({ state: "paused" }, `${this.lane.provider} is paused. What is there goes on.`, { state: "open" }));
    this.tapping = false;
  }

  squares(lane) {
    const held = new Map(lane.slots.map((slot) => [slot.number, slot]));
    const most = Math.max(this.limit, ...held.keys());
    const shown = Math.min(most, MOST_SQUARES);
    return html`<ol class="squares" aria-hidden="true">
      ${Array.from({ length: shown }, (_, place) => {
        const slot = held.get(place + 1);
        return html`<li
          class=${slot ? slot.status : "free"}
          title=${slot ? `${slot.brand}: ${STATUS[slot.status]}` : "Free"}
        ></li>`;
      })}${most > shown ? html`<li class="rest">and ${count(most - shown)} more</li>` : nothing}
    </ol>`;
  }

  slots(lane) {
    const held = new Map(lane.slots.map((slot) => [slot.number, slot]));
    const most = Math.max(this.limit, ...held.keys());
    const numbers =
      most <= MOST_ROWS ? Array.from({ length: most }, (_, place) => place + 1) : [...held.keys()].slice(0, MOST_SHOWN);
    if (!numbers.length) return html`<p class="soft">Nothing is there.</p>`;
    return html`<ol class="slots">
        ${repeat(
          numbers,
          (number) => number,
          (number) => {
            const slot = held.get(number);
            return slot
              ? this.occupied(slot)
              : html`<li class="slot free"><span class="place">${number}</span><span class="soft">Free</span></li>`;
          },
        )}
      </ol>
      ${most > MOST_ROWS && held.size > MOST_SHOWN ? html`<p class="soft small more">and ${count(held.size - MOST_SHOWN)} more</p>` : nothing}`;
  }

  occupied(slot) {
    const since = (this.now - Date.parse(slot.since)) / 1000;
    return html`<li class="slot">
      <span class="place">${slot.number}</span>
      <span class="video"
        ><a class="clip" href=${addressOf(slot)}>${slot.brand}</a
        ><span class="soft small clip">${options(slot.values)}</span></span
      >
      <span class="state"
        ><span class="status ${slot.status}"
          >${STATUS[slot.status]}${slot.attempt > 1 ? `, attempt ${slot.attempt}` : ""}</span
        >
        <span class="soft small"
          >for ${span(Math.max(0, since))}${slot.progress === null ? "" : ` · ${slot.progress} %`}</span
        ></span
      >
      <span class="meter thin" aria-hidden="true"><i class="busy" ${part(slot.progress ?? 0)}></i></span>
    </li>`;
  }

  waiting(lane) {
    if (!lane.waiting) return "nothing waits";
    const paused = lane.heldBack ? `, ${count(lane.heldBack)} in paused campaigns` : "";
    return `${plural(lane.waiting, "waits", "wait")}${paused}`;
  }

  next(lane, state) {
    if (!lane.next.length) {
      return html`<p class="soft">
        ${lane.heldBack ? "All that wait belong to campaigns that are paused. Resume one on its page." : "The queue of this lane is empty."}
      </p>`;
    }
    const more = lane.waiting - lane.heldBack - lane.next.length;
    return html`<p class="soft small">
        ${state.closed ? "In this order, once the lane is open" : "In this order, as slots come free"}: priority first,
        then the campaign that holds fewest slots, then first come.
      </p>
      <ol class="nexts">
        ${lane.next.map(
          (video, index) =>
            html`<li>
              <span class="place">${video.place}</span>
              <span class="video"
                ><a class="clip" href=${addressOf(video)}>${video.brand}</a
                ><span class="soft small clip">${options(video.values)}</span></span
              >
              <span class="small soft why">${whyNext(video, lane.next[index - 1])}</span>
            </li>`,
        )}
      </ol>
      ${more > 0 ? html`<p class="soft small more">and ${count(more)} more after these</p>` : nothing}`;
  }

  limits(lane) {
    if (!may("admin")) {
      return html`<footer class="line">
        <p class="soft small">
          At most ${plural(lane.limit, "video")} at
          once${lane.startsAMinute ? `, ${count(lane.startsAMinute)} starts per minute` : ""}. Admins may change and
          pause a lane.
        </p>
      </footer>`;
    }
    return html`<footer class="line">
      <div class="stepper" role="group" aria-label="Videos at once">
        <span class="small">Videos at once</span>
        <button
          class="button small iconic"
          aria-label="One fewer"
          ?disabled=${this.limit === 0}
          @click=${() => this.step(-1)}
        >
          ${icon("minus", "small")}
        </button>
        <output class="serif" aria-live="polite">${count(this.limit)}</output>
        <button
          class="button small iconic"
          aria-label="One more"
          ?disabled=${this.limit >= 1000}
          @click=${() => this.step(1)}
        >
          ${icon("plus", "small")}
        </button>
      </div>
      <form class="line" @submit=${(event) => this.pace(event)}>
        <label class="small" for="pace-${lane.id}">Starts per minute</label>
        <input
          class="input small pace"
          id="pace-${lane.id}"
          name="pace"
          type="number"
          min="0"
          max="100000"
          placeholder="no limit"
          .value=${lane.startsAMinute ?? ""}
        />
        <button class="button small">Set</button>
      </form>
    </footer>`;
  }

  step(by) {
    clearTimeout(this.settling);
    this.pending = Math.max(0, Math.min(1000, this.limit + by));
    const [wanted, before] = [this.pending, this.lane.limit];
    this.settling = setTimeout(() => {
      this.settling = null;
      this.set({ limit: wanted }, `${plural(wanted, "video")} at once.`, { limit: before });
    }, SETTLE_MS);
  }

  pace(event) {
    event.preventDefault();
    const value = Number(new FormData(event.target).get("pace") || 0);
    const before = this.lane.startsAMinute ?? 0;
    return this.set(
      { startsAMinute: value },
      value ? `At most ${count(value)} starts per minute.` : "No limit on starts per minute.",
      { startsAMinute: before },
    );
  }

  async set(change, said, back = null) {
    try {
      const lane = await api.patch(`/api/queue/lanes/${this.lane.id}`, change);
      this.emit("lane", lane);
      toast(said, back ? { action: { label: "Undo", run: () => this.set(back, "As it was.") } } : {});
    } catch (error) {
      complain(error);
    } finally {
      if (!this.settling) this.pending = undefined; // else a person has gone on meanwhile
    }
  }
}
customElements.define("queue-lane", QueueLane);
