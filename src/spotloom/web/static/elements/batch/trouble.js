// What stands in the way, and what to do about it; and a quiet word when all is over.
import { Element, icon, labelled, may } from "../../core/element.js";
import { count, money, plural, when } from "../../core/format.js";
import { html, nothing } from "../../vendor/lit.js";
import { failed, keysOf, priceOf, resume, retry } from "./deeds.js";
import { editAddress, grouped } from "./reasons.js";
import { counted, figures, gone, inStates, lanes, onFrame, over, page } from "./store.js";
import { clearSelection, go, select } from "./view.js";

const editor = may("editor");
const notice = (kind, sign, title, body, action = nothing) =>
  html`<div class="notice ${kind}">
    ${icon(sign)}
    <div>
      <p class="strong">${title}</p>
      ${body ? html`<p>${body}</p>` : nothing}
    </div>
    ${action === nothing ? nothing : html`<span class="push">${action}</span>`}
  </div>`;

class BatchTrouble extends Element {
  connectedCallback() {
    super.connectedCallback();
    onFrame(() => {
      // Groups follow the videos, not the figures alone; only a change in them is drawn.
      const now =
        failed()
          .map((video) => `${video.key}${video.now.status}${video.now.error}`)
          .join() + keysOf(inStates(["unknown"])).join();
      if (now !== this.groups) this.requestUpdate();
      this.groups = now;
    });
  }

  render() {
    if (gone.get()) {
      return notice(
        "bad",
        "trash-2",
        "This campaign was deleted",
        "Its files are no longer listed. What you see here is how it last stood.",
        html`<a class="button small" href="/">All campaigns</a>`,
      );
    }
    const now = figures.get();
    return html`<div class="stack tight trouble">
      ${this.standing(now)}${lanes.get().map((lane) => this.lane(lane))}${this.needs(now)}
    </div>`;
  }

  standing({ state, spend }) {
    const waiting = counted(["queued"]);
    return html`${
      state === "paused"
        ? notice(
            "warn",
            "pause",
            "This batch is paused",
            `What is at the provider goes on; ${plural(waiting, "video")} ${waiting === 1 ? "waits" : "wait"}.`,
            editor ? html`<button class="button small" @click=${resume}>Resume</button>` : nothing,
          )
        : nothing
    }
    ${
      state === "cancelled"
        ? notice(
            "",
            "ban",
            "This batch was cancelled",
            `${plural(
              counted(["completed"]),
              "finished video",
            )} ${counted(["completed"]) === 1 ? "is" : "are"} kept. Retry brings cancelled videos back.`,
          )
        : nothing
    }
    ${
      spend.budget !== null && spend.committed >= spend.budget && !over.get()
        ? notice(
            "warn",
            "wallet",
            "The budget is used up",
            page.free
              ? `Nothing is charged, but the forecast counts: ${money(spend.committed)} of ${money(spend.budget)}. What is ordered goes on; a retry needs room.`
              : `${money(spend.committed)} of ${money(spend.budget)} is charged, reserved or possibly charged. What is reserved goes on; a retry needs room.`,
          )
        : nothing
    }`;
  }

  lane({ blocked, pausedUntil, reason, adaptedLimit, limit, provider }) {
    if (over.get()) return nothing;
    if (blocked)
      return notice(
        "bad",
        "circle-alert",
        `${provider} is closed until somebody opens it`,
        `${reason ?? ""} Nothing was lost: the videos wait.`,
        html`<a class="button small" href="/queue">Open the queue</a>`,
      );
    if (pausedUntil && Date.parse(pausedUntil) > Date.now())
      return notice(
        "warn",
        "clock",
        `Nothing new starts until ${when(pausedUntil)}`,
        reason ?? "The provider asked us to wait.",
      );
    if (adaptedLimit !== null && adaptedLimit < limit)
      return notice(
        "",
        "info",
        `${provider} takes ${adaptedLimit} at once just now, not ${limit}`,
        "More are tried again as it lets us.",
      );
    return nothing;
  }

  /** What came of it once all is over, and what waits for a person before and after. */
  needs(now) {
    const groups = grouped(failed());
    const unknown = inStates(["unknown"]);
    const ended = over.get() && now.state !== "cancelled";
    const many = unknown.length + groups.reduce((total, group) => total + group.videos.length, 0);
    if (!many)
      return ended
        ? html`<section class="card group summary" aria-label="Summary">
            <h2>${this.made(now)}</h2>
            <p class="soft">${this.next(now)}</p>
          </section>`
        : nothing;
    return html`<section class="card group" aria-label="Needs you">
      <header>
        <div>
          <h2>${ended ? this.made(now) : `${plural(many, "video")} ${many === 1 ? "needs" : "need"} you`}</h2>
          ${ended ? html`<p class="soft">${this.next(now)}</p>` : nothing}
        </div>
        ${
          ended && now.counts.completed
            ? html`<a class="button small" href="/campaigns/${page.id}/review"
                >${labelled("eye", `Review ${count(now.counts.completed)}`)}</a
              >`
            : nothing
        }
      </header>
      <ul class="reasons">
        ${unknown.length ? this.unknown(unknown) : nothing}${groups.map((group) => this.group(group))}
      </ul>
    </section>`;
  }

  made({ counts, totalVideos }) {
    return counts.completed === totalVideos
      ? `All ${count(totalVideos)} videos are made`
      : `${count(counts.completed)} of ${count(totalVideos)} videos are made`;
  }

  next({ counts, spend }) {
    return html`${page.free ? "Nothing was charged." : `${money(spend.actual)} charged of ${money(spend.estimated)} estimated.`}
    ${
      counts.completed
        ? "Next: see them large, keep the good ones, mark the winners."
        : "Retry them, or change the brief."
    }`;
  }

  unknown(these) {
    return html`<li class="doubt">
      <span class="many serif">${count(these.length)}</span>
      <div>
        <h3>Possibly charged${page.free ? nothing : ` · ${priceOf(these)}`}</h3>
        <p class="soft small">
          The order left, and no answer came back; Spotloom never orders twice by itself. Look at the provider's own
          list of jobs, then decide for each: it is there, retry it anyway, or give it
          up.${page.free ? " Here it is free whatever you decide." : nothing}
        </p>
      </div>
      <span class="line"
        >${
          these.length > 1
            ? html`<button class="button small quiet" @click=${() => go({ group: "unknown" })}>Show</button>`
            : nothing
        }<button class="button small" @click=${() => go({ video: these[0].key })}>
          ${editor ? "Decide" : "See"} no. ${these[0].position + 1}
        </button></span
      >
    </li>`;
  }

  group(group) {
    const words = `${count(group.videos.length)} · ${priceOf(group.videos)}`;
    return html`<li>
      <span class="many serif">${count(group.videos.length)}</span>
      <div>
        <h3>${group.title}</h3>
        <p class="soft small">${group.advice}</p>
      </div>
      <span class="line"
        ><button class="button small quiet" @click=${() => this.show(group)}>Select</button>${
          !editor
            ? nothing
            : group.edit
              ? html`<button class="button small quiet" @click=${() => retry(group.videos)}>
                    Retry anyway ${words}</button
                  ><a class="button small" href=${editAddress(group.videos)}
                    >${labelled("pencil", "Edit in a new brief")}</a
                  >`
              : html`<button class="button small" @click=${() => retry(group.videos)}>
                  ${labelled("rotate-ccw", `Retry ${words}`)}
                </button>`
        }</span
      >
    </li>`;
  }

  show(group) {
    go({ group: "failed" });
    clearSelection();
    select(keysOf(group.videos));
  }
}
customElements.define("batch-trouble", BatchTrouble);
