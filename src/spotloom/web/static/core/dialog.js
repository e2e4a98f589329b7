// Asks before money moves or running work stops; the button says what it does, with the sum.
import { html, nothing, render } from "../vendor/lit.js";

/** Resolves to true when the person agrees. `body` may be a template; `confirm` is the button's words. */
export function agreed({ title, body = nothing, confirm, danger = false }) {
  const dialog = document.createElement("dialog");
  dialog.className = "box";
  dialog.setAttribute("aria-label", title);
  document.body.append(dialog);
  render(
    html`<h2>${title}</h2>
      <div class="stack tight">${body}</div>
      <footer>
        <button class="button" value="" @click=${() => dialog.close("")} autofocus>Back</button>
        <button class="button primary ${danger ? "danger" : ""}" @click=${() => dialog.close("yes")}>${confirm}</button>
      </footer>`,
    dialog,
  );
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}
