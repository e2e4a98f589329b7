// The answers that people come for: how far, how much, until when, and what to do next.
import { Element, icon, labelled, may, once } from "../../core/element.js";
import { GROUPS, count, money, plural, span, when } from "../../core/format.js";
import { html, nothing, signal } from "../../vendor/lit.js";
import { cancel, failed, files, keysOf, manifest, pause, prioritise, priceOf, resume, retry, steering } from "./deeds.js";
import { DOT, WORDS } from "../parts/counts.js";
import { FREE, forecast } from "../parts/price.js";
import { editAddress, wantsEdit } from "./reasons.js";
import { print } from "./report.js";
import { counted, figures, gone, line, onFrame, over, page, takenAt } from "./store.js";
import { go, view } from "./view.js";

const LIVE = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  crowded: "Not live: too many tabs",
  gone: "Ended",
  offline: "Offline",
};
const titled = (word) => word[0].toUpperCase() + word.slice(1);
const CLOCK_MS = 1000;
const editor = may("editor");
const online = signal(navigator.onLine);
addEventListener("online", () => online.set(true));
addEventListener("offline", () => online.set(false));

// Figures come with events; between them time passes all the same.
const clock = signal(Date.now());
setInterval(() => document.visibilityState === "visible" && !over.get() && clock.set(Date.now()), CLOCK_MS);

class BatchHeader extends Element {
  render() {
    const now = figures.get();
    const { group } = view.get();
    const state = gone.get() ? "gone" : online.get() ? line.state.get() : "offline";
    return html`<section class="card answers" aria-label="Progress">
      <div class="line">
        <p class="far">
          <span class="serif">${count(now.counts.completed)} of ${count(now.totalVideos)}</span>
          <span class="soft">done</span>
        </p>
        <span class="push livemark ${state}" role="status">${LIVE[state]}</span>
      </div>
      <div class="meter" role="img" aria-label="${now.percent} % finished">
        ${["completed", "running", "failed", "unknown", "cancelled"].map(
          (each) =>
            html`<i
              class=${each === "running" ? "busy" : each}
              data-part=${(100 * counted(GROUPS[each])) / now.totalVideos}
            ></i>`,
        )}
      </div>
      <div class="chips" role="group" aria-label="Show videos by status">
        <button class="chip" aria-pressed=${!group} @click=${() => go({ group: "" })}>
          All <span class="count">${count(now.totalVideos)}</span>
        </button>
        ${Object.keys(WORDS).map((each) => {
          const many = counted(GROUPS[each]);
          return many || ["completed", "running", "queued"].includes(each) || group === each
            ? html`<button
                class="chip"
                aria-pressed=${group === each}
                @click=${() => go({ group: group === each ? "" : each })}
              >
                <span class="status still ${DOT[each]}">${titled(WORDS[each])}</span> <span class="count">${count(many)}</span>
              </button>`
            : nothing;
        })}
      </div>
      <dl class="facts">
        ${page.free ? this.free(now.spend) : this.money(now.spend)}${this.pace(now)}
        <div class="made">
          <dt>Made with</dt>
          <dd>
            <small
              >${page.free ? "Animatics drawn here; nothing is charged" : html`${page.provider}, ${page.model}`}</small
            ><small
              >${page.duration ? `${page.duration} s` : ""}${page.ratio ? `, ${page.ratio}` : ""}, begun
              ${when(page.createdAt)}</small
            >
          </dd>
        </div>
      </dl>
    </section>`;
  }

  free({ estimated, budget }) {
    return html`<div>
      <dt>Cost</dt>
      <dd>${FREE}<small>${forecast(estimated)}${budget === null ? nothing : ` of ${money(budget)} budget`}</small></dd>
    </div>`;
  }

  money({ estimated, reserved, unknown, actual, budget }) {
    const frame = budget === null ? `of ${money(estimated)} estimated` : `of ${money(budget)} budget`;
    return html`<div>
        <dt>Charged</dt>
        <dd>${money(actual)}<small>${frame}</small></dd>
      </div>
      ${
        reserved
          ? html`<div>
              <dt>Reserved</dt>
              <dd>${money(reserved)}<small>for what is still to come</small></dd>
            </div>`
          : nothing
      }
      ${
        unknown
          ? html`<div>
              <dt>Possibly charged</dt>
              <dd class="warn">${money(unknown)}<small>waits for a decision</small></dd>
            </div>`
          : nothing
      }`;
  }

  pace({ expectedSeconds, finishedAMinute, state, counts }) {
    if (over.get())
      return html`<div>
        <dt>Finished</dt>
        <dd>All over<small>${plural(counts.completed, "file")} kept</small></dd>
      </div>`;
    if (state === "paused")
      return html`<div>
        <dt>Finish</dt>
        <dd>Paused<small>nothing new starts</small></dd>
      </div>`;
    if (expectedSeconds === null)
      return html`<div>
        <dt>Finish</dt>
        <dd>
          Measuring<small>${counts.completed ? "the pace is not known now" : "until the first video is done"}</small>
        </dd>
      </div>`;
    const left = expectedSeconds - (clock.get() - takenAt.get()) / 1000;
    return html`<div>
      <dt>Finished about</dt>
      <dd>
        ${when(Date.now() + Math.max(0, left) * 1000)}<small
          >${left > 0 ? `in ${span(left)}` : "any moment now"}, ${pace(finishedAMinute)}</small
        >
      </dd>
    </div>`;
  }

  updated() {
    for (const part of this.querySelectorAll(".meter > i")) part.style.setProperty("--part", part.dataset.part);
  }
}
customElements.define("batch-header", BatchHeader);

const pace = (aMinute) =>
  aMinute ? `at ${aMinute < 10 ? aMinute.toFixed(1) : Math.round(aMinute)} a minute` : "by the plan";

class BatchActions extends Element {
  connectedCallback() {
    super.connectedCallback();
    this.broken = keysOf(failed()).join();
    onFrame(() => {
      const now = keysOf(failed()).join();
      if (now !== this.broken) this.requestUpdate();
      this.broken = now;
    });
  }

  render() {
    if (gone.get()) return nothing;
    const now = figures.get();
    const left = counted(["queued", "submitting", "generating"]);
    return html`<div class="line actions">
      ${this.primary(now)}
      ${
        editor && left && now.state !== "cancelled"
          ? html`<button
              class="button"
              aria-busy=${steering.get()}
              @click=${once(now.state === "paused" ? resume : pause)}
            >
              ${now.state === "paused" ? labelled("play", "Resume") : labelled("pause", "Pause")}
            </button>`
          : nothing
      }
      <button class="button" popovertarget="downloads">${labelled("download", "Download")}</button>
      <div id="downloads" class="menu" popover @click=${close}>
        <button ?disabled=${!now.counts.completed} @click=${() => files()}>
          ${labelled("file-down", `All ${plural(now.counts.completed, "finished video")} (ZIP)`)}
        </button>
        <button @click=${() => manifest("csv")}>${labelled("table", "Manifest as CSV")}</button
        ><button @click=${() => manifest("json")}>${labelled("file-text", "Manifest as JSON")}</button>
        <hr />
        <button @click=${print}>${labelled("file-text", "Print the batch report")}</button>
      </div>
      <button class="button iconic" popovertarget="more" aria-label="More">${icon("more-horizontal")}</button>
      <div id="more" class="menu" popover @click=${close}>
        ${editor ? html`<a href="/new?from=${page.id}">${labelled("copy", "Duplicate as new brief")}</a>` : nothing}
        ${counted(["completed"]) ? html`<a href="/campaigns/${page.id}/review">${labelled("eye", "Review")}</a>` : nothing}
        ${
          editor && counted(["queued"])
            ? html`<hr />
                <p class="soft small">Waiting videos</p>
                ${[
                  ["high", "arrow-up", "ahead of other campaigns"],
                  ["normal", "minus", "in turn"],
                  ["low", "arrow-down", "after other campaigns"],
                ].map(
                  ([each, sign, words]) =>
                    html`<button @click=${() => prioritise(each)}>
                      ${labelled(
                        sign,
                        html`<span
                          >${titled(each)} priority <small class="soft">${words}</small></span
                        >`,
                      )}
                    </button>`,
                )}`
            : nothing
        }
        ${
          editor && left
            ? html`<hr />
                <button class="bad" @click=${() => cancel()}>${labelled("ban", "Cancel all that is left")}</button>`
            : nothing
        }
      </div>
    </div>`;
  }

  primary(now) {
    const videos = failed(); // counted as they are summed: the figures may be ahead of the rows
    if (videos.length && editor) {
      // A purchase that will most likely be refused again is not what the page recommends.
      const refused = videos.every(wantsEdit);
      return html`${
          refused
            ? html`<a class="button primary" href=${editAddress(videos)}
                >${labelled("pencil", `Edit the ${count(videos.length)} refused`)}</a
              >`
            : nothing
        }<button class="button ${refused ? "" : "primary"}" @click=${() => retry(videos, "failed")}>
          ${labelled("rotate-ccw", `Retry ${count(videos.length)} failed · ${priceOf(videos)}`)}
        </button>`;
    }
    if (!now.counts.completed) return nothing;
    return html`<a class="button primary" href="/campaigns/${page.id}/review"
      >${labelled("eye", `Review ${count(now.counts.completed)} finished`)}</a
    >`;
  }
}
customElements.define("batch-actions", BatchActions);

function close(event) {
  if (event.target.closest("button, a")) event.currentTarget.hidePopover();
}
