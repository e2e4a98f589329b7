// The contact sheet: every video as a picture with its mark; the pointer runs through a film, the keyboard through them all.
import { Element, icon } from "../../core/element.js";
import { html, nothing, repeat } from "../../vendor/lit.js";
import { moment } from "../parts/sprite.js";
import { mayDecide } from "./deeds.js";
import { marks } from "./marks.js";
import { name, video, videos } from "./store.js";
import { current, go, look, queue, selected } from "./view.js";

let last = null; // where a range of the selection begins

export function toggle(key, { range = false } = {}) {
  const keys = queue.get();
  const set = new Set(selected.get());
  if (range && keys.includes(last)) {
    const [from, to] = [keys.indexOf(last), keys.indexOf(key)].sort((a, b) => a - b);
    for (const each of keys.slice(from, to + 1)) set.add(each);
  } else if (!set.delete(key)) set.add(key);
  last = key;
  selected.set(set);
}

/** The key of the picture `lines` below, or above, the one that is looked at. */
export function below(lines) {
  const cards = [...document.querySelectorAll("review-sheet .shot")];
  const at = cards.findIndex((card) => card.dataset.key === current.get());
  if (at < 0) return null;
  const top = cards[0].offsetTop;
  const columns = cards.findIndex((card) => card.offsetTop !== top);
  return cards[at + lines * (columns < 1 ? cards.length : columns)]?.dataset.key ?? null;
}

class ReviewSheet extends Element {
  updated() {
    const focused = document.activeElement;
    const card = this.querySelector(`.shot[data-key="${current.get()}"] .open`);
    // Only who is among the pictures is taken to the next; nobody's focus is taken from elsewhere.
    if (card && card !== focused && (focused === document.body || focused.closest?.("review-sheet .open")))
      card.focus({ preventScroll: false });
  }

  scrub(event, sprite) {
    if (event.pointerType !== "mouse") return;
    const frame = event.currentTarget;
    const { share, position } = moment(event, frame);
    const strip = frame.querySelector(".strip");
    if (!strip.style.backgroundImage) strip.style.setProperty("background-image", `url("${sprite}")`);
    strip.style.setProperty("background-position", position);
    frame.style.setProperty("--part", `${share * 100}%`);
  }

  shot(key) {
    const item = video(key);
    const { poster, sprite, video: film } = item.files;
    const picked = selected.get().has(key);
    const said = `${item.review === "none" ? "not reviewed" : item.review}${item.winner ? ", winner" : ""}`;
    const open = () => {
      go(key);
      look("one");
    };
    return html`<li class="shot ${item.review}" data-key=${key} ?data-picked=${picked}>
      <button
        class="open"
        tabindex=${key === current.get() ? "0" : "-1"}
        aria-label="${name(key)}: ${said}"
        @click=${open}
        @focus=${() => key !== current.get() && go(key)}
        @pointermove=${sprite ? (event) => this.scrub(event, sprite.url) : nothing}
      >
        <img
          src=${poster?.url ?? nothing}
          alt=""
          loading="lazy"
          decoding="async"
          width=${film.width}
          height=${film.height}
        /><span class="strip" aria-hidden="true"></span>
      </button>
      ${
        mayDecide
          ? html`<label class="pick"
              ><input
                type="checkbox"
                tabindex="-1"
                aria-label="Select ${name(key)}"
                .checked=${picked}
                @click=${(event) => toggle(key, { range: event.shiftKey })}
            /></label>`
          : nothing
      }
      <p class="small words" title=${name(key)}>${name(key, { short: true })}</p>
      ${marks(item)}
      ${
        item.notes
          ? html`<span class="unseen">Has notes</span
              ><span class="noted" title=${item.notes} aria-hidden="true">${icon("message-square", "small")}</span>`
          : nothing
      }
    </li>`;
  }

  render() {
    videos.get(); // a decision changes a picture's mark
    return html`<ul class="sheet" aria-label="Videos">
      ${repeat(
        queue.get(),
        (key) => key,
        (key) => this.shot(key),
      )}
    </ul>`;
  }
}
customElements.define("review-sheet", ReviewSheet);
