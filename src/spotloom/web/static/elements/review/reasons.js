// Asks why a video is rejected: a key each for the usual reasons, and a word of one's own.
import { plural } from "../../core/format.js";
import { html, nothing, render } from "../../vendor/lit.js";
import { REASONS, decide } from "./deeds.js";
import { name } from "./store.js";

const LONGEST = 500;

/** Ask, and reject these videos; Escape leaves everything as it is. */
export function reject(keys) {
  if (!keys.length || document.querySelector("dialog.reasons")) return;
  const dialog = document.createElement("dialog");
  dialog.className = "box reasons";
  dialog.setAttribute("aria-labelledby", "reasons-title");
  let other = false;
  const choose = (reason) => {
    dialog.close();
    decide("rejected", { reason, keys });
  };
  const ask = () => {
    other = true;
    draw();
    dialog.querySelector("input").focus();
  };
  const submit = (event) => {
    event.preventDefault();
    const words = new FormData(event.target).get("reason").trim();
    if (words) choose(words);
  };
  const press = (event) => {
    if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    const number = Number(event.key);
    if (REASONS[number - 1]) choose(REASONS[number - 1]);
    else if (number === REASONS.length + 1) ask();
    else return;
    event.preventDefault();
  };
  const draw = () =>
    render(
      html`<h2 id="reasons-title">Why is ${keys.length === 1 ? "it" : "each"} rejected?</h2>
        <p class="soft small">${keys.length === 1 ? name(keys[0]) : plural(keys.length, "video")}</p>
        <div class="choices">
          ${REASONS.map((reason, place) => html`<button class="button" @click=${() => choose(reason)}><kbd>${place + 1}</kbd>${reason}</button>`)}
          <button class="button" aria-expanded=${String(other)} @click=${ask}>
            <kbd>${REASONS.length + 1}</kbd>Something else…
          </button>
        </div>
        ${
          other
            ? html`<form class="line keep" @submit=${submit}>
                <input
                  class="input"
                  name="reason"
                  maxlength=${LONGEST}
                  required
                  aria-label="The reason, in your words"
                  placeholder="The reason, in your words"
                />
                <button class="button primary">Reject</button>
              </form>`
            : nothing
        }
        <footer>
          <button class="button quiet" @click=${() => dialog.close()}>Do not reject<kbd>Esc</kbd></button>
        </footer>`,
      dialog,
    );
  dialog.addEventListener("keydown", press);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  draw();
  dialog.showModal();
}
