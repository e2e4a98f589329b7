// Beside the film: the decision and its buttons, notes, what was chosen, and the prompt.
import { Element, icon } from "../../core/element.js";
import { ago } from "../../core/format.js";
import { complain } from "../../core/toast.js";
import { html, keyed, nothing, signal } from "../../vendor/lit.js";
import { copyButton } from "../parts/copy.js";
import { Unsaved } from "../parts/unsaved.js";
import { crown, decide, insist, mayDecide, note, quicker } from "./deeds.js";
import { reject } from "./reasons.js";
import { batch, conflicts, differing, dimensions, label, name, prompt, settle, video, who } from "./store.js";
import { active, aimed, mode, place, queue } from "./view.js";

const SAVE_AFTER_MS = 1200;
const saves = new Map(); // key → the last of its notes' saves
const unsaved = new Unsaved(`review.${batch}`, (key) => keep(key)); // key → a note that was typed
const noted = signal(""); // what is said of the note that is looked at
let timer = 0;
// A note that was on its way when the page was left may have arrived.
for (const [key, text] of [...unsaved])
  if (!video(key) || (video(key).notes ?? null) === (text.trim() || null)) unsaved.delete(key);

/** Send what was typed; until it is stored it is not forgotten, wherever people go meanwhile. */
function keep(key) {
  clearTimeout(timer);
  // One after the other: a note that is on its way looks as if it were stored.
  const turn = (saves.get(key) ?? Promise.resolve()).then(() => send(key));
  saves.set(key, turn);
  return turn;
}

async function send(key) {
  const text = unsaved.get(key);
  const say = (word) => aimed() === key && noted.set(word);
  if (text === undefined || disputed(key)) return;
  say("Saving…");
  try {
    await note(key, text);
    if (disputed(key)) return say("Not saved.");
    if (unsaved.get(key) === text) unsaved.delete(key);
    say(unsaved.has(key) ? "…" : "Saved.");
  } catch (error) {
    say("Not saved.");
    complain(error);
  }
}

/** Of two: which one it is for. */
export const which = () => (mode.get() === "two" ? (active.get() === 1 ? " right" : " left") : "");

const deedButtons = (item, size = "") =>
  html`<div class="deeds">
    <button
      class="button ${size} approve"
      aria-pressed=${String(item.review === "approved")}
      @click=${() => decide("approved", { keys: [item.combinationId] })}
    >
      ${icon("thumbs-up", "small")}Approve${which()}<kbd class="wide-only">A</kbd>
    </button>
    <button
      class="button ${size} reject"
      aria-pressed=${String(item.review === "rejected")}
      aria-haspopup="dialog"
      @click=${() => reject([item.combinationId])}
    >
      ${icon("thumbs-down", "small")}Reject${which()}<kbd class="wide-only">R</kbd>
    </button>
    <button
      class="button ${size} crown"
      aria-pressed=${String(item.winner)}
      @click=${() => crown([item.combinationId])}
    >
      ${icon("trophy", "small")}Winner<kbd class="wide-only">W</kbd>
    </button>
  </div>`;

/** Whether somebody else has written another note meanwhile, and nobody has said which is to stand. */
const disputed = (key) => "notes" in (conflicts.get().get(key)?.wish ?? {});

class ReviewSide extends Element {
  #prompt = signal({ key: null, text: null });

  updated() {
    const key = aimed();
    if (!key || this.#prompt.get().key === key) return;
    noted.set(unsaved.has(key) ? "Not saved." : "");
    this.#prompt.set({ key, text: null });
    prompt(key).then(
      (text) => this.#prompt.get().key === key && this.#prompt.set({ key, text }),
      (error) =>
        error.name !== "AbortError" &&
        this.#prompt.get().key === key &&
        this.#prompt.set({ key, text: "", error: error.message }),
    );
  }

  said(item) {
    if (item.review === "none") return html`<p class="soft">Not reviewed yet.</p>`;
    const by = item.reviewedBy
      ? html`<span class="soft small">${who(item.reviewedBy)}, ${ago(item.reviewedAt)}</span>`
      : nothing;
    return html`<div class="verdict ${item.review}">
      ${icon(item.review === "approved" ? "circle-check" : "circle-x")}
      <p>
        <strong>${item.review === "approved" ? "Approved" : "Rejected"}</strong
        >${item.rejectReason ? html`: ${item.rejectReason}` : nothing}<br />${by}
      </p>
      ${mayDecide ? html`<button class="button quiet small" @click=${() => decide("none", { keys: [item.combinationId] })}>Clear the decision</button>` : nothing}
    </div>`;
  }

  conflict(key) {
    const found = conflicts.get().get(key);
    if (!found) return nothing;
    return html`<div class="notice warn" role="alert">
      ${icon("triangle-alert", "small")}
      <div class="stack tight">
        <p>${quicker(found)} Yours was not saved.</p>
        <p class="line">
          <button class="button small" @click=${() => this.insist(key)}>Save mine instead</button>
          <button class="button small quiet" @click=${() => this.leaveIt(key)}>Leave it</button>
        </p>
      </div>
    </div>`;
  }

  insist(key) {
    if (!disputed(key)) return insist(key);
    settle(key);
    return keep(key);
  }

  leaveIt(key) {
    if (disputed(key)) {
      unsaved.delete(key);
      noted.set("");
    }
    settle(key);
  }

  typed(key, event) {
    const field = event.target;
    clearTimeout(timer);
    unsaved.set(key, field.value);
    noted.set("…");
    timer = setTimeout(() => keep(key), SAVE_AFTER_MS);
  }

  leave(event) {
    if (event.key !== "Escape" && !(event.key === "Enter" && (event.ctrlKey || event.metaKey))) return;
    event.target.blur();
    event.stopPropagation();
  }

  notes(item) {
    const key = item.combinationId;
    // What is being typed is not written over by what was saved of it.
    const typed = unsaved.get(key);
    if (document.activeElement?.id !== "notes") this.shown = typed ?? item.notes ?? "";
    if (!mayDecide)
      return item.notes
        ? html`<section>
            <h3>Notes</h3>
            <p class="written">${item.notes}</p>
          </section>`
        : nothing;
    return html`<section class="field">
      <label for="notes"
        ><span>Notes <kbd class="wide-only">N</kbd></span
        ><span class="count" role="status">${noted.get()}</span></label
      >
      ${keyed(
        key,
        html`<textarea
          id="notes"
          class="input"
          rows="2"
          maxlength="4000"
          placeholder="What the next version should do better"
          .value=${this.shown}
          @input=${(event) => this.typed(key, event)}
          @blur=${() => keep(key)}
          @keydown=${this.leave}
        ></textarea>`,
      )}
      ${
        noted.get() === "Not saved." && typed !== undefined && !disputed(key)
          ? html`<p class="line"><button class="button small" @click=${() => keep(key)}>Try again</button></p>`
          : nothing
      }
    </section>`;
  }

  values(item) {
    const all = [...dimensions.get().keys()].filter((key) => item.values[key]);
    const first = all.filter((key) => differing.get().includes(key));
    const rest = all.filter((key) => !first.includes(key) && item.values[key] !== "any");
    const pairs = (some) =>
      html`<dl class="pairs small">
        ${some.map(
          (key) =>
            html`<dt>${label(key)}</dt>
              <dd>${label(key, item.values[key])}</dd>`,
        )}
      </dl>`;
    return html`<section>
      <h3>Choices</h3>
      ${pairs(first.length ? first : rest)}
      ${
        first.length && rest.length
          ? html`<details>
              <summary class="small soft">The same in all of them</summary>
              ${pairs(rest)}
            </details>`
          : nothing
      }
    </section>`;
  }

  promptOf() {
    const { text, error } = this.#prompt.get();
    return html`<section>
      <h3 class="line">
        Prompt
        ${text ? copyButton(text, "The prompt", "quiet small push") : nothing}
      </h3>
      ${error ? html`<p class="bad small">${error}</p>` : nothing}
      ${text === null ? html`<p class="skeleton prompt" aria-hidden="true"></p>` : nothing}
      ${text ? html`<pre class="prompt small" tabindex="0" aria-label="Prompt">${text}</pre>` : nothing}
    </section>`;
  }

  render() {
    const key = aimed();
    const item = key && video(key);
    if (!item) return nothing;
    const where = mode.get() === "two" ? "Active" : `${place() + 1} of ${queue.get().length}`;
    return html`<div class="card side stack">
      <header>
        <div>
          <p class="soft small">${where}</p>
          <h2>${name(key)}</h2>
        </div>
      </header>
      ${mayDecide ? deedButtons(item, "large") : nothing} ${this.conflict(key)} ${this.said(item)} ${this.notes(item)}
      ${this.values(item)} ${this.promptOf()}
      <p class="line">
        <a class="button small" href="${item.files.video.url}?download=true" download
          >${icon("download", "small")}Download this video</a
        >
      </p>
    </div>`;
  }
}
customElements.define("review-side", ReviewSide);
