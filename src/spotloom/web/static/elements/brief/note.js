// A word above the form: that a draft came back, or what a file could not tell.
import { Element, icon } from "../../core/element.js";
import { ago } from "../../core/format.js";
import { toast } from "../../core/toast.js";
import { html, nothing, signal } from "../../vendor/lit.js";
import { data, replace, restored } from "./draft.js";
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
  toast("The brief is empty.", { action: { label: "Undo", run: undo } });
  document.getElementById("field-brand")?.focus();
}

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
