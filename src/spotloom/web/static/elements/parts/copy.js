// A button that copies a text, and says so.
import { icon } from "../../core/element.js";
import { announce, toast } from "../../core/toast.js";
import { html } from "../../vendor/lit.js";

/** Copy the text; `what` names it in the message. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} is copied.`, { seconds: 3 });
    announce(`${what} is copied.`);
  } catch {
    toast("The browser did not let us copy. Select the text and copy it yourself.", { kind: "bad" });
  }
}

/** `what` names the thing in the message: "The key", "The link". */
export const copyButton = (text, what, look = "") =>
  html`<button type="button" class="button ${look}" @click=${() => copy(text, what)}>
    ${icon("copy", "small")}Copy
  </button>`;
