// One video in full: player, what was chosen, how each attempt went, what it costs, and what to do with it.
import { api } from "../../core/api.js";
import { Element, icon, labelled, may, once } from "../../core/element.js";
import { GROUPS, bytes, money, plural } from "../../core/format.js";
import { html, nothing } from "../../vendor/lit.js";
import { copyButton } from "../parts/copy.js";
import { AGAIN, cancel, crown, priceOf, reject, resolve, retry, review } from "./deeds.js";
import { FREE } from "../parts/price.js";
import { keep } from "./notes.js";
import { pageOf } from "./notion.js";
import { mediaUrl, play, playing, stop } from "./player.js";
import { editAddress, reason, wantsEdit } from "./reasons.js";
import { status } from "./rows.js";
import { byKey, onFrame, page, path } from "./store.js";
import { CHARGE, attempt } from "./timeline.js";
import { go, shown, view } from "./view.js";

const editor = may("editor");

class BatchDrawer extends Element {
  static properties = { told: { state: true }, attempts: { state: true }, wrong: { state: true } };

  connectedCallback() {
    super.connectedCallback();
    onFrame((changed) => this.video && changed.has(this.video) && this.load(200));
  }

  get dialog() {
    return this.querySelector("dialog");
  }

  // Several changes of one video in a row are read once.
  load(wait = 0) {
    clearTimeout(this.timer);
    const video = this.video;
    this.timer = setTimeout(async () => {
      const mine = (this.asking = Symbol("the newest question")); // an older answer that comes later is none
      try {
        const [told, { items }] = await Promise.all([
          api.get(`${path}/combinations/${video.key}`),
          api.get(`${path}/combinations/${video.key}/attempts`),
        ]);
        if (video === this.video && mine === this.asking) Object.assign(this, { told, attempts: items, wrong: null });
      } catch (error) {
        if (video === this.video && mine === this.asking) this.wrong = error;
      }
    }, wait);
  }

  willUpdate() {
    const video = byKey.get(view.get().video) ?? null;
    if (video === this.video) return;
    if (this.video) {
      stop();
      keep(this.video.key); // whichever way it was left
    }
    Object.assign(this, { video, told: null, attempts: null, wrong: null });
    if (video) this.load();
  }

  render() {
    const { video } = this;
    view.get();
    return html`<dialog
      class="drawer"
      data-keys
      aria-labelledby="drawer-title"
      @cancel=${this.leave}
      @close=${() => !this.dialog.open && view.get().video && go({ video: "" })}
      @click=${(event) => event.target === this.dialog && go({ video: "" })}
    >
      ${video ? this.inside(video) : nothing}
    </dialog>`;
  }

  /** The address closes it, so that keys which come at once are for the page again. */
  leave(event) {
    if (event.target !== this.dialog) return;
    event.preventDefault();
    go({ video: "" });
  }

  inside(video) {
    const now = video.live.get();
    const place = shown.get().indexOf(video);
    return html`<header class="top">
        <div>
          <p class="soft small">No. ${video.position + 1} of ${page.videos.length}, ${video.key}</p>
          <h2 id="drawer-title" tabindex="-1" autofocus>${video.title}</h2>
        </div>
        <button
          class="button quiet iconic"
          aria-label="Video before (K)"
          ?disabled=${place <= 0}
          @click=${() => this.turn(place - 1)}
        >
          ${icon("chevron-up")}
        </button>
        <button
          class="button quiet iconic"
          aria-label="Next video (J)"
          ?disabled=${place < 0 || place >= shown.get().length - 1}
          @click=${() => this.turn(place + 1)}
        >
          ${icon("chevron-down")}
        </button>
        <button class="button quiet iconic" aria-label="Close (Esc)" @click=${() => go({ video: "" })}>
          ${icon("x")}
        </button>
      </header>
      <div class="inside stack">
        <div class="first">
          ${this.player(video, now)}
          <div class="stack">
            <p class="line">
              ${status(now)}${
                now.winner ? html`<span class="tag warn">${icon("trophy", "small")}Winner</span>` : nothing
              }${
                now.review !== "none"
                  ? html`<span class="tag ${now.review === "approved" ? "good" : "bad"}"
                      >${now.review === "approved" ? "Approved" : "Rejected"}</span
                    >`
                  : nothing
              }
            </p>
            ${this.trouble(video, now)}${editor ? this.deeds(video, now) : nothing}
            <dl class="pairs">
              ${page.dimensions.map((dimension, at) =>
                video.words[at] === "Any"
                  ? nothing
                  : html`<dt>${dimension.label}</dt>
                      <dd>${video.words[at]}</dd>`,
              )}
            </dl>
          </div>
        </div>
        ${
          this.wrong
            ? html`<div class="notice bad" role="alert">
                ${icon("circle-alert")}
                <div>${this.wrong.message} <button class="link" @click=${() => this.load()}>Try again</button></div>
              </div>`
            : nothing
        }
        ${this.told ? this.more(video, this.told) : this.wrong ? nothing : html`<div class="skeleton tall" role="status" aria-label="Loading"></div>`}
      </div>`;
  }

  player(video, now) {
    const { poster, video: film } = now.files;
    if (!film) return nothing;
    return html`<div
      class="media large"
      @click=${(event) => playing.get() !== video && play(video, event.currentTarget)}
    >
      <img src=${mediaUrl(poster)} alt="A frame of video ${video.position + 1}" />
      <button class="playmark" aria-label="Play (Space)">${icon("play", "large")}</button>
    </div>`;
  }

  trouble(video, now) {
    if (now.status === "unknown") return this.decide(video);
    if (!["failed", "expired", "lost"].includes(now.status)) return nothing;
    const { title, advice } = reason(now);
    return html`<div class="notice bad">
      ${icon("circle-alert")}
      <div>
        <p class="strong">${title}</p>
        <p>${advice}</p>
        ${
          this.told?.error
            ? html`<pre>${this.told.error.code ?? now.status}: ${this.told.error.message ?? "no text"}</pre>`
            : nothing
        }
      </div>
    </div>`;
  }

  decide(video) {
    return html`<section class="notice warn">
      ${icon("circle-help")}
      <div class="stack tight">
        <p class="strong">Possibly charged${page.free ? nothing : `: ${money(video.cost)}`}</p>
        <p>
          The order left, and no answer came back. Look for it in the provider's own list of jobs, by its prompt and the
          time it was sent.${page.free ? " Here it is free whatever you decide." : nothing}
        </p>
        ${
          !editor
            ? nothing
            : html`<form
                  class="line"
                  @submit=${(event) => {
                    event.preventDefault();
                    resolve(video, "paid", event.target.elements.job.value.trim());
                  }}
                >
                  <input
                    class="input small"
                    name="job"
                    required
                    maxlength="512"
                    placeholder="The provider's job id"
                    aria-label="The provider's job id"
                  /><button class="button small">It is there: fetch it</button>
                </form>
                <p class="line">
                  <button class="button small" @click=${() => resolve(video, "retry")}>
                    Retry anyway · ${priceOf([video])}</button
                  ><button class="button small danger" @click=${() => resolve(video, "give-up")}>Give up</button>
                </p>`
        }
      </div>
    </section>`;
  }

  deeds(video, now) {
    const done = now.status === "completed";
    const refused = GROUPS.failed.includes(now.status) && wantsEdit(video);
    return html`<div class="line">
      ${
        AGAIN.includes(now.status)
          ? html`${
                refused
                  ? html`<a class="button small primary" href=${editAddress([video])}
                      >${labelled("pencil", "Edit in a new brief")}</a
                    >`
                  : nothing
              }<button class="button small ${refused ? "" : "primary"}" @click=${() => retry([video])}>
                ${labelled("rotate-ccw", `Retry · ${priceOf([video])}`)}
              </button>`
          : nothing
      }
      ${
        ["queued", "submitting", "generating"].includes(now.status)
          ? html`<button class="button small" @click=${() => cancel([video])}>${labelled("ban", "Cancel")}</button>`
          : nothing
      }
      ${
        done
          ? html`<button
                class="button small"
                aria-pressed=${now.review === "approved"}
                @click=${once(() => review([video], now.review === "approved" ? "none" : "approved"))}
              >
                ${labelled("thumbs-up", "Approve")}
              </button>
              <button
                class="button small"
                aria-pressed=${now.review === "rejected"}
                aria-haspopup=${now.review === "rejected" ? nothing : "dialog"}
                @click=${once(() => (now.review === "rejected" ? review([video], "none") : reject([video])))}
              >
                ${labelled("thumbs-down", "Reject")}
              </button>
              <button class="button small" aria-pressed=${now.winner} @click=${once(() => crown(video))}>
                ${labelled("trophy", "Winner")}
              </button>
              <a class="button small" href="${mediaUrl(now.files.video)}?download=true" download
                >${labelled("download", "Download")}</a
              >`
          : nothing
      }
    </div>`;
  }

  more(video, told) {
    const file = told.files.video;
    return html`<section>
        <h3 class="line">
          Prompt
          ${copyButton(told.prompt, "The prompt", "small quiet push")}
        </h3>
        <pre class="prompt">${told.prompt}</pre>
      </section>
      <section>
        <h3>Cost and file</h3>
        <dl class="pairs">
          ${this.cost(told)}
          <dt>Ordered</dt>
          <dd>${told.duration} s, ${told.size}, ${page.free ? "drawn here" : `${told.provider}, ${told.model}`}</dd>
          ${
            file
              ? html`<dt>File</dt>
                  <dd>${file.seconds} s, ${file.width}×${file.height}, ${bytes(file.bytes)}</dd>`
              : nothing
          }
          ${
            told.rejectReason
              ? html`<dt>Rejected</dt>
                  <dd>${told.rejectReason}</dd>`
              : nothing
          }
          ${pageOf(told)}
        </dl>
      </section>
      ${
        this.attempts
          ? html`<section>
              <h3>${this.attempts.length === 1 ? "Timeline" : plural(this.attempts.length, "attempt")}</h3>
              ${this.attempts.map((each, at) => attempt(each, { open: at === 0, alone: this.attempts.length === 1 }))}
            </section>`
          : nothing
      }
      <section>
        <h3>Notes and address</h3>
        <batch-notes
          .told=${told}
          @kept=${({ detail }) => this.told?.combinationId === detail.combinationId && (this.told = detail)}
        ></batch-notes>
      </section>`;
  }

  cost({ estimatedCost }) {
    if (page.free)
      return html`<dt>Cost</dt>
        <dd>${FREE}</dd>
        <dt>Forecast</dt>
        <dd>${money(estimatedCost)}</dd>`;
    return html`<dt>Estimated</dt>
      <dd>${money(estimatedCost)}</dd>
      <dt>${CHARGE[this.attempts?.[0]?.charge] ?? "Charged"}</dt>
      <dd>${this.paid()}</dd>`;
  }

  paid() {
    const latest = this.attempts?.[0];
    if (!latest) return "–";
    if (latest.charge === "none") return money(0);
    return money(latest.charge === "charged" ? (latest.actualCost ?? 0) : latest.estimatedCost);
  }

  turn(place) {
    const video = shown.get()[place];
    go({ video: video.key }, { replace: true });
    document.querySelector("batch-list").show(video, { focus: false });
  }

  updated() {
    const { dialog, video } = this;
    if (video && !dialog.open) dialog.showModal();
    else if (!video && dialog.open) dialog.close();
    if (!video && this.open) document.querySelector("batch-list").show(this.open);
    if (video && video !== this.open) dialog.scrollTo(0, 0);
    this.open = video;
  }
}
customElements.define("batch-drawer", BatchDrawer);
document.body.append(document.createElement("batch-drawer"));
