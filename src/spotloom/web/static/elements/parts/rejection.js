// Asks why a video is rejected: a key each for the usual reasons, and a word of one's own.
import { plural } from "../../core/format.js";
import { html, nothing, render } from "../../vendor/lit.js";

const REASONS = ["Off-brand", "Wrong message", "Visual glitch", "Audio problem"];
const LONGEST = 500;

/** Ask about the video of that name, or so many; resolves to the reason, or to null where nothing is to be rejected. */
export function askReason({ many, name }) {
  if (document.querySelector("dialog.reasons[open]")) return Promise.resolve(null);
  const dialog = document.createElement("dialog");
  dialog.className = "box reasons";
  dialog.setAttribute("aria-labelledby", "reasons-title");
  let other = false;
  const { promise, resolve } = Promise.withResolvers();
  const choose = (reason) => {
    resolve(reason); // before the dialog says that it closed: the next key may already be for the next video
    dialog.close();
    dialog.remove();
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
      html`<h2 id="reasons-title">Why is ${many === 1 ? "it" : "each"} rejected?</h2>
        <p class="soft small">${many === 1 ? name : plural(many, "video")}</p>
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
  dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(null);
  });
  document.body.append(dialog);
  draw();
  dialog.showModal();
  return promise;
}
