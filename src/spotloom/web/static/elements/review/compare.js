// Two films side by side, in step; decisions go to the one that is active.
import { Element } from "../../core/element.js";
import { html, nothing, ref, repeat } from "../../vendor/lit.js";
import { marks } from "./marks.js";
import { differing, label, name, video } from "./store.js";
import { active, current, other, queue, write } from "./view.js";

class ReviewPair extends Element {
  static properties = { transport: { attribute: false } };

  disconnectedCallback() {
    super.disconnectedCallback();
    this.transport.hear(0);
    this.transport.lead();
  }

  updated() {
    this.transport.lead(...this.querySelectorAll("video"));
    this.transport.hear(active.get());
  }

  pick(place, key) {
    (place ? other : current).set(key);
    active.set(place);
    write();
  }

  /** What this film has that the other has not. */
  apart(key) {
    const [left, right] = [current.get(), other.get()].map((each) => video(each)?.values ?? {});
    const words = differing
      .get()
      .filter((each) => left[each] !== right[each])
      .map((each) => label(each, video(key).values[each]));
    return words.join("\u00a0· ") || "The same choices";
  }

  pane(key, place) {
    if (!key) return nothing;
    const item = video(key);
    const { width, height } = item.files.video;
    const side = place ? "Right" : "Left";
    return html`<section
      class="pane"
      aria-label="${side}: ${name(key)}"
      ?data-active=${active.get() === place}
      @pointerdown=${() => active.set(place)}
    >
      <header class="line keep">
        <kbd>${place + 1}</kbd>
        <select
          class="input small"
          aria-label="${side} video"
          @change=${(event) => this.pick(place, event.target.value)}
        >
          ${queue.get().map((each) => html`<option value=${each} ?selected=${each === key}>${name(each)}</option>`)}
        </select>
        ${marks(item)}
      </header>
      <p class="apart small">${this.apart(key)}</p>
      <div class="screen">
        <video
          src=${item.files.video.url}
          poster=${item.files.poster?.url ?? nothing}
          preload="auto"
          playsinline
          aria-label=${name(key)}
          ${ref((film) => film?.style.setProperty("--shape", width / height))}
          @click=${() => this.transport.toggle()}
        ></video>
      </div>
    </section>`;
  }

  render() {
    const two = [current.get(), other.get()];
    return html`<div class="pair">
      ${repeat(
        two,
        (key, place) => `${place} ${key}`,
        (key, place) => this.pane(key, place),
      )}
      ${other.get() ? nothing : html`<p class="empty soft">There is no second video to compare with. Take the filter away to have more.</p>`}
    </div>`;
  }
}
customElements.define("review-pair", ReviewPair);
