// The filter above the films: by review, and by what was chosen.
import { icon } from "../../core/element.js";
import { count } from "../../core/format.js";
import { html, nothing } from "../../vendor/lit.js";
import { differing, dimensions, label } from "./store.js";
import { SHOWS, choose, chosen, chosenWords, clear, filter, filtered, left, show, withOption } from "./view.js";

function options(key) {
  const on = (option) => String(chosen.get().get(key)?.has(option) ?? false);
  return html`<fieldset>
    <legend class="label">${label(key)}</legend>
    <div class="chips">
      ${dimensions
        .get()
        .get(key)
        .map(
          (option) =>
            html`<button class="chip" aria-pressed=${on(option)} @click=${() => choose(key, option)}>
              ${label(key, option)}<span class="count">${withOption(key, option)}</span>
            </button>`,
        )}
    </div>
  </fieldset>`;
}

const drop = ({ key, options: set, words }) =>
  html`<button
    class="chip"
    aria-label="Take the filter ${label(key)}: ${words} away"
    @click=${() => [...set].forEach((option) => choose(key, option))}
  >
    ${words}${icon("x", "small")}
  </button>`;

export const filters = () =>
  html`<div class="line filters">
    <div class="segmented" role="group" aria-label="Show">
      ${Object.entries(SHOWS).map(
        ([word, words]) =>
          html`<button aria-pressed=${String(show.get() === word)} @click=${() => filter(word)}>
            ${words} <span class="soft">${count(left(word))}</span>
          </button>`,
      )}
    </div>
    ${
      differing.get().length
        ? html`<button class="button small" popovertarget="choices">
              ${icon("filter", "small")}<span class="word">Choices</span>
            </button>
            <div id="choices" class="menu choicesmenu" popover>${differing.get().map(options)}</div>`
        : nothing
    }
    ${chosenWords().map(drop)}
    ${filtered() ? html`<button class="button quiet small" @click=${clear}>Show all</button>` : nothing}
  </div>`;
