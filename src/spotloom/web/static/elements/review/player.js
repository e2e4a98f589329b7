// One film, large; the next one is fetched meanwhile, so that it begins at once.
import { Element, icon } from "../../core/element.js";
import { html, nothing, ref, repeat } from "../../vendor/lit.js";
import { name, video } from "./store.js";
import { after, current } from "./view.js";

class ReviewPlayer extends Element {
  static properties = { transport: { attribute: false } };

  disconnectedCallback() {
    super.disconnectedCallback();
    this.transport.lead();
  }

  updated() {
    const shown = this.querySelector("video:not([hidden])");
    if (shown) this.transport.lead(shown);
  }

  film(key, hidden) {
    const { files } = video(key);
    const shape = files.video;
    return html`<video
      src=${files.video.url}
      poster=${files.poster?.url ?? nothing}
      preload="auto"
      playsinline
      ?hidden=${hidden}
      aria-label=${name(key)}
      ${ref((film) => film?.style.setProperty("--shape", shape.width / shape.height))}
      @click=${() => this.transport.toggle()}
    ></video>`;
  }

  render() {
    const key = current.get();
    const next = after(key);
    // Keyed, so that the film that was fetched ahead is the one that is then shown.
    const films = [key, next].filter(Boolean);
    return html`<div class="screen">
      ${repeat(
        films,
        (each) => each,
        (each) => this.film(each, each !== key),
      )}
      ${
        this.transport.paused.get()
          ? html`<button class="bigplay" tabindex="-1" aria-hidden="true" @click=${() => this.transport.toggle()}>
              ${icon("play", "large")}
            </button>`
          : nothing
      }
    </div>`;
  }
}
customElements.define("review-player", ReviewPlayer);
