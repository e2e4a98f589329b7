// What stands in the way, and what to do about it; and a quiet word when all is over.
import { Element, icon, labelled, may } from "../../core/element.js";
import { GROUPS, count, money, plural, when } from "../../core/format.js";
import { html, nothing } from "../../vendor/lit.js";
import { failed, keysOf, resume, retry } from "./deeds.js";
import { grouped } from "./reasons.js";
import { counted, figures, gone, inStates, lanes, onFrame, over, page } from "./store.js";
import { go, select } from "./view.js";

const editor = may("editor");
const sum = (videos) => videos.reduce((total, video) => total + video.cost, 0);
const notice = (kind, sign, title, body, action = nothing) => html`<div class="notice ${kind}">${icon(sign)}<div><p class="strong">${title}</p>${body ? html`<p>${body}</p>` : nothing}</div>${action === nothing ? nothing : html`<span class="push">${action}</span>`}</div>`;

class BatchTrouble extends Element {
  connectedCallback() {
    super.connectedCallback();
    onFrame(() => {
      // Groups follow the videos, not the figures alone; only a change in them is drawn.
      const now = failed().map((video) => `${video.key}${video.now.status}${video.now.error}`).join() + keysOf(inStates(["unknown"])).join();
      if (now !== this.groups) this.requestUpdate();
      this.groups = now;
    });
  }

  render() {
    if (gone.get()) {
      return notice("bad", "trash-2", "This campaign was deleted", "Its files are no longer listed. What you see here is how it last stood.", html`<a class="button small" href="/">All campaigns</a>`);
    }
    const now = figures.get();
    return html`<div class="stack tight trouble">${this.standing(now)}${lanes.get().map((lane) => this.lane(lane))}${this.unknown()}${this.failures()}${over.get() && now.state !== "cancelled" ? this.summary(now) : nothing}</div>`;
  }

  standing({ state, spend }) {
    const waiting = counted(["queued"]);
    return html`${state === "paused" ? notice("warn", "pause", "This batch is paused", `What is at the provider goes on; ${plural(waiting, "video")} ${waiting === 1 ? "waits" : "wait"}.`, editor ? html`<button class="button small" @click=${resume}>Resume</button>` : nothing) : nothing}
      ${state === "cancelled" ? notice("", "ban", "This batch was cancelled", `${plural(counted(["completed"]), "finished video")} ${counted(["completed"]) === 1 ? "is" : "are"} kept. Retry brings cancelled videos back.`) : nothing}
      ${spend.budget !== null && spend.committed >= spend.budget && !over.get() ? notice("warn", "wallet", "The budget is used up", `${money(spend.committed)} of ${money(spend.budget)} is charged, reserved or possibly charged. What is reserved goes on; a retry needs room.`) : nothing}`;
  }

  lane({ blocked, pausedUntil, reason, adaptedLimit, limit, provider }) {
    if (over.get()) return nothing;
    if (blocked) return notice("bad", "circle-alert", `${provider} is closed until somebody opens it`, `${reason ?? ""} Nothing was lost: the videos wait.`, html`<a class="button small" href="/queue">Open the queue</a>`);
    if (pausedUntil && Date.parse(pausedUntil) > Date.now()) return notice("warn", "clock", `Nothing new starts until ${when(pausedUntil)}`, reason ?? "The provider asked us to wait.");
    if (adaptedLimit !== null && adaptedLimit < limit) return notice("", "info", `${provider} takes ${adaptedLimit} at once just now, not ${limit}`, "More are tried again as it lets us.");
    return nothing;
  }

  unknown() {
    const these = inStates(["unknown"]);
    if (!these.length) return nothing;
    return html`<section class="card group" aria-label="Possibly charged"><header><h2>${plural(these.length, "video")} possibly charged · ${money(sum(these))}</h2>
      ${these.length > 1 ? html`<button class="button small" @click=${() => go({ group: "unknown" })}>Show ${count(these.length)}</button>` : nothing}</header>
      <p class="soft">The order left, and no answer came back. Spotloom asks the provider, and never orders twice by itself. Look at the provider's own list of jobs, then say for each: it is there (name the job, its file is fetched), retry it anyway (it may be paid twice), or give it up.</p>
      <p class="line">${these.slice(0, 6).map((video) => html`<button class="button small" @click=${() => go({ video: video.key })}>${editor ? "Decide" : "See"} no. ${video.position + 1}</button>`)}${these.length > 6 ? html`<span class="soft small">and ${count(these.length - 6)} more</span>` : nothing}</p></section>`;
  }

  failures() {
    const groups = grouped(failed());
    if (!groups.length) return nothing;
    return html`<section class="card group" aria-label="Failed"><header><h2>${plural(counted(GROUPS.failed), "video")} without a file</h2></header>
      <ul class="reasons">${groups.map((group) => html`<li><span class="many serif">${count(group.videos.length)}</span><div><h3>${group.title}</h3><p class="soft small">${group.advice}</p></div>
        <span class="line"><button class="button small quiet" @click=${() => this.show(group)}>Select</button>
        ${!editor ? nothing : group.edit ? html`<a class="button small" href="/new?from=${page.id}">${labelled("pencil", "Edit in a new brief")}</a><button class="button small quiet" @click=${() => retry(group.videos)}>Retry anyway · ${money(sum(group.videos))}</button>`
          : html`<button class="button small" @click=${() => retry(group.videos)}>${labelled("rotate-ccw", `Retry ${count(group.videos.length)} · ${money(sum(group.videos))}`)}</button>`}</span></li>`)}</ul></section>`;
  }

  show(group) {
    go({ group: "failed" });
    select(keysOf(group.videos));
  }

  summary({ counts, spend, totalVideos }) {
    const files = counts.completed;
    return html`<section class="card group summary" aria-label="Summary"><header><div><h2>${files === totalVideos ? `All ${count(files)} videos are made` : `${count(files)} of ${count(totalVideos)} videos are made`}</h2>
      <p class="soft">${page.free ? "Nothing was charged." : `${money(spend.actual)} charged of ${money(spend.estimated)} estimated.`} ${files ? "Next: see them large, keep the good ones, mark the winners." : "Nothing was kept. Retry, or change the brief."}</p></div>
      ${files && counted(GROUPS.failed) ? html`<a class="button" href="/campaigns/${page.id}/review">${labelled("eye", `Review ${count(files)}`)}</a>` : nothing}</header></section>`;
  }
}
customElements.define("batch-trouble", BatchTrouble);
