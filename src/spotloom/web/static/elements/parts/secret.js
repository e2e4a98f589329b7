// Shows a secret once, to be copied; afterwards nobody can see it again.
import { icon } from "../../core/element.js";
import { html, nothing, render } from "../../vendor/lit.js";
import { copyButton } from "./copy.js";

/** `{title, what, secret, note}`; resolves when the person has closed it. */
export function showOnce({ title, what, secret, note = nothing }) {
  const dialog = document.createElement("dialog");
  dialog.className = "box";
  dialog.setAttribute("aria-label", title);
  document.body.append(dialog);
  render(
    html`<h2>${title}</h2>
      <div class="stack tight">
        <p class="notice warn">
          ${icon("eye")}<span>${what} is shown this once. Copy it now, and keep it where only you can read it.</span>
        </p>
        <p class="secret">
          <input
            class="input"
            readonly
            aria-label=${what}
            .value=${secret}
            @focus=${(event) => event.target.select()}
          />${copyButton(secret, what, "primary")}
        </p>
        ${note === nothing ? nothing : html`<p class="soft small">${note}</p>`}
      </div>
      <footer><button class="button" @click=${() => dialog.close()}>I have it</button></footer>`,
    dialog,
  );
  // Esc alone would lose the secret by accident, and pressed twice it is not asked whether it may.
  dialog.setAttribute("closedby", "none");
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && event.preventDefault());
  dialog.showModal();
  dialog.querySelector("input").select();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      render(nothing, dialog);
      dialog.remove();
      resolve();
    });
  });
}
