// Notes on a video and the address where it was put: kept as they are typed, sent when the field or the drawer is left.
import { Element, labelled, may } from "../../core/element.js";
import { html, keyed, nothing, signal } from "../../vendor/lit.js";
import { changed, inTurn } from "../parts/changes.js";
import { Unsaved } from "../parts/unsaved.js";
import { byKey, page, path } from "./store.js";

const editor = may("editor");
const bases = new Map(); // key → the video as it was when somebody began to type, or as it was saved last
const unsaved = new Unsaved(`batch.${page.id}`, (key) => keep(key)); // key → {notes, videoUrl}
const kept = { word: "Not saved.", trouble: "You wrote this before you left the page." };
const said = signal(Object.fromEntries([...unsaved.keys()].map((key) => [key, kept]))); // key → {word, trouble}
const say = (key, what) => said.set({ ...said.get(), [key]: what });

/** Send what was typed of this video, if anything was; resolves when it is stored, or when it is said why not. */
export const keep = (key) => inTurn(key, () => send(key));

async function send(key) {
  const [typed, base] = [unsaved.get(key), bases.get(key)];
  if (!typed || !base) return;
  const change = Object.fromEntries(
    Object.entries(typed)
      .map(([name, text]) => [name, text.trim() || null])
      .filter(([name, text]) => text !== (base[name] ?? null)),
  );
  if (!Object.keys(change).length) {
    forget(key, typed);
    if (said.get()[key]) say(key, null);
    return;
  }
  say(key, { word: "Saving…" });
  let both = null; // what somebody else has written of the same
  const otherwise = (theirs) => {
    both = Object.keys(change).filter((name) => (theirs[name] ?? "") !== (base[name] ?? ""));
    return theirs;
  };
  try {
    const told = await changed(`${path}/combinations/${key}`, change, { before: base, version: base.version, otherwise });
    bases.set(key, told); // what is sent next is sent knowing this
    byKey.get(key).take({ version: told.version, review: told.review, winner: told.winner });
    if (both) return disputed(key, told, both);
    forget(key, typed);
    say(key, { word: "Saved." });
  } catch (error) {
    say(key, { word: "Not saved.", trouble: error.message });
  }
}

/** Of the same matter a person decides which word is to stand. */
function disputed(key, theirs, both) {
  const words = both.map((name) => (theirs[name] ? `“${theirs[name]}”` : "nothing")).join(", ");
  say(key, { word: "Not saved.", trouble: `Somebody else has written ${words} here meanwhile.` });
}

function forget(key, sent) {
  const left = Object.entries(unsaved.get(key)).filter(([name, text]) => text !== sent[name]);
  if (left.length) unsaved.set(key, Object.fromEntries(left));
  else unsaved.delete(key);
}

class BatchNotes extends Element {
  static properties = { told: { attribute: false } };

  get key() {
    return this.told.combinationId;
  }

  willUpdate() {
    const here = this.drawn === this.key && this.contains(document.activeElement);
    // What a colleague has saved is taken, except under somebody's hands.
    const base = bases.get(this.key);
    if (base && (here || unsaved.has(this.key) || this.told.version < base.version)) return;
    bases.set(this.key, this.told);
  }

  updated() {
    this.drawn = this.key;
  }

  value(name) {
    const field = this.drawn === this.key && this.querySelector(`[name=${name}]`);
    if (field && field === document.activeElement) return field.value;
    return unsaved.get(this.key)?.[name] ?? bases.get(this.key)[name] ?? "";
  }

  typed({ target: { name, value } }) {
    unsaved.set(this.key, { ...unsaved.get(this.key), [name]: value });
    if (said.get()[this.key]) say(this.key, null);
  }

  async save(event) {
    event.preventDefault();
    const { key } = this;
    await keep(key);
    if (key === this.key) this.emit("kept", bases.get(key));
  }

  render() {
    const { told } = this;
    const link = told.videoUrl
      ? html`<a href=${told.videoUrl} rel="noreferrer noopener" target="_blank"
          >${editor ? "Open it" : told.videoUrl}</a
        >`
      : nothing;
    if (!editor)
      return html`<p>${told.notes ?? "No notes."}</p>
        ${link}`;
    const now = said.get()[this.key];
    return keyed(
      this.key,
      html`<form class="stack tight" @submit=${this.save} @input=${this.typed} @focusout=${this.save}>
        <textarea
          class="input"
          name="notes"
          maxlength="4000"
          aria-label="Notes"
          placeholder="Notes for your colleagues"
          .value=${this.value("notes")}
        ></textarea>
        <input
          class="input small"
          type="url"
          name="videoUrl"
          pattern="https?://.+"
          maxlength="2000"
          aria-label="Where you have put the video"
          placeholder="https://… where you have put the video"
          .value=${this.value("videoUrl")}
        />
        ${now?.trouble ? html`<p class="bad small" role="alert">${now.trouble}</p>` : nothing}
        <p class="line">
          <button class="button small">${labelled("save", now?.trouble ? "Try again" : "Save")}</button
          ><span class="soft small" role="status">${now?.word}</span>${link}
        </p>
      </form>`,
    );
  }
}
customElements.define("batch-notes", BatchNotes);
