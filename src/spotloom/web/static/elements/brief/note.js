// A word above the form: that a draft came back, or what a file could not tell.
import { Element, icon } from "../../core/element.js";
import { ago } from "../../core/format.js";
import { toast } from "../../core/toast.js";
import { html, nothing, signal } from "../../vendor/lit.js";
import { bringBack, data, dropEarlier, earlier, replace, restored } from "./draft.js";
import { tried } from "./fields.js";

/** `{title, list, kind}` to tell; null for nothing. */
export const notes = signal(null);
const welcome = signal(Boolean(restored) && !data.seed);

/** Begin with an empty brief; it can be undone. */
export function startOver() {
  const undo = replace({});
  welcome.set(false);
  tried.set(false);
  notes.set(null);
  toast("The brief is empty now.", { action: { label: "Undo", run: undo } });
  document.getElementById("field-brand")?.focus();
}

/** What the earlier draft is called in the offer to bring it back. */
const nameOf = ({ form }) => [form.brand, form.bigIdea].filter(Boolean).join(": ") || "without a title";

function back() {
  bringBack();
  welcome.set(false);
  notes.set(null);
  toast("Your earlier draft is back.");
}

function drop() {
  toast("The earlier draft is discarded.", { action: { label: "Undo", run: dropEarlier() } });
}

const offer = (one) =>
  html`<p class="restored earlier small soft">
    ${icon("history", "small")}<button class="textbutton" @click=${back}>Bring back your earlier draft</button>
    <span class="clip">“${nameOf(one)}”</span
    >${one.savedAt ? html`<span class="nowrap">${ago(one.savedAt)}</span>` : nothing}
    <button class="button quiet small iconic" aria-label="Discard the earlier draft" @click=${drop}>
      ${icon("x", "small")}
    </button>
  </p>`;

class BriefNote extends Element {
  render() {
    const note = notes.get();
    return html`${
      welcome.get()
        ? html`<p class="restored small soft" role="status">
            ${icon("history", "small")}Your draft is
            back${restored.savedAt ? `, as you left it ${ago(restored.savedAt)}` : ""}.
            <button class="textbutton" @click=${startOver}>Start over</button>
          </p>`
        : nothing
    }
    ${earlier.get() ? offer(earlier.get()) : nothing}
    ${
      note
        ? html`<div class="notice ${note.kind} filenote" role="status">
            ${icon("file-text")}
            <div>
              <b>${note.title}</b>
              <ul class="problems">
                ${note.list.map((each) => html`<li>${each}</li>`)}
              </ul>
            </div>
            <button class="button quiet small iconic" aria-label="Close" @click=${() => notes.set(null)}>
              ${icon("x", "small")}
            </button>
          </div>`
        : nothing
    }`;
  }
}
customElements.define("brief-note", BriefNote);
