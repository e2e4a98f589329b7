// Plays one film, or two in step: play, place, sound, loop, single frames; and the bar that shows it.
import { Element, icon } from "../../core/element.js";
import { html, nothing, signal } from "../../vendor/lit.js";

const FRAME_S = 1 / 24; // until a film has shown its own
const APART_S = 0.12; // two films further apart than this are brought together

const kept = (name) => localStorage.getItem(`spotloom.${name}`) === "yes";
const keep = (name, on) => localStorage.setItem(`spotloom.${name}`, on ? "yes" : "no");

export const clock = (seconds) => (Number.isFinite(seconds) ? seconds.toFixed(1) : "–");

export class Transport {
  paused = signal(true);
  muted = signal(kept("muted"));
  looped = signal(kept("looped"));
  wanted = false; // somebody has pressed play: the next film begins by itself
  films = [];
  heard = 0; // whose sound is on
  frameS = FRAME_S;
  seen = null; // told of each new place

  /** Play these from now on; the first sets the time. */
  lead(...films) {
    const before = this.films[0];
    if (films.length === this.films.length && films.every((film, place) => film === this.films[place])) return;
    for (const film of this.films) if (!films.includes(film)) film.pause();
    this.films = films;
    this.sound();
    const [first] = films;
    if (!first || first === before) return;
    first.onplay = first.onpause = first.onended = () => first === this.films[0] && this.changed();
    first.onloadedmetadata = first.onseeked = () => this.seen?.();
    this.paused.set(first.paused);
    this.measure(first);
    this.seen?.();
    if (this.wanted) {
      first.currentTime = 0;
      this.play();
    }
  }

  changed() {
    const [first] = this.films;
    this.paused.set(first.paused);
    if (first.paused) this.films.forEach((film) => film.pause());
    else this.run();
    this.seen?.();
  }

  run() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      const [first, ...others] = this.films;
      if (!first || first.paused) return;
      for (const film of others) {
        const at = Math.min(first.currentTime, film.duration || 0);
        if (Math.abs(film.currentTime - at) > APART_S) film.currentTime = at;
        if (film.paused && at < film.duration) film.play().catch(() => {});
      }
      this.seen?.();
      this.run();
    });
  }

  /** A film's own frame is the shortest step between two that it shows. */
  measure(film) {
    this.frameS = FRAME_S;
    let last = null;
    const shown = (_, { mediaTime }) => {
      if (film !== this.films[0]) return;
      const step = last === null ? 0 : mediaTime - last;
      if (!film.paused && step > 0.005 && step < this.frameS) this.frameS = step;
      last = mediaTime;
      film.requestVideoFrameCallback?.(shown);
    };
    film.requestVideoFrameCallback?.(shown);
  }

  sound() {
    this.films.forEach((film, place) => {
      film.muted = this.muted.get() || place !== this.heard;
      film.loop = this.looped.get();
    });
  }

  async play() {
    this.wanted = true;
    try {
      await Promise.all(this.films.map((film) => film.play()));
    } catch (error) {
      if (error.name === "AbortError") return; // another film has taken its place
      this.wanted = false;
      this.films.forEach((film) => film.pause());
    }
  }

  pause() {
    this.wanted = false;
    this.films.forEach((film) => film.pause());
  }

  toggle() {
    const [first] = this.films;
    if (!first) return;
    if (first.paused) this.play();
    else this.pause();
  }

  mute() {
    this.muted.set(!this.muted.get());
    keep("muted", this.muted.get());
    this.sound();
  }

  loop() {
    this.looped.set(!this.looped.get());
    keep("looped", this.looped.get());
    this.sound();
  }

  hear(place) {
    this.heard = place;
    this.sound();
  }

  seek(seconds) {
    for (const film of this.films) film.currentTime = Math.max(0, Math.min(seconds, film.duration || 0));
  }

  step(frames) {
    const [first] = this.films;
    if (!first) return;
    this.pause();
    this.seek(first.currentTime + frames * this.frameS);
  }
}

class TransportBar extends Element {
  static properties = { transport: { attribute: false } };

  connectedCallback() {
    super.connectedCallback();
    this.transport.seen = () => this.place();
  }

  /** Moves with the film, without drawing the page anew. */
  place() {
    const range = this.querySelector("input");
    const [first] = this.transport.films;
    if (!range || !first) return;
    const length = first.duration || 0;
    range.max = length;
    if (!this.held) range.value = first.currentTime;
    range.style.setProperty("--part", length ? (100 * first.currentTime) / length : 0);
    range.setAttribute("aria-valuetext", `${clock(first.currentTime)} of ${clock(length)} s`);
    this.querySelector("output").textContent = `${clock(first.currentTime)} / ${clock(length)} s`;
  }

  updated() {
    this.place();
  }

  render() {
    const { transport } = this;
    const paused = transport.paused.get();
    const button = (does, key, name, run, pressed) =>
      html`<button
        class="button quiet iconic"
        aria-label=${does}
        title="${does} (${key})"
        aria-pressed=${pressed ?? nothing}
        @click=${run}
      >
        ${icon(name)}
      </button>`;
    return html`<div class="transport" role="group" aria-label="Playing">
      <button
        class="button quiet iconic"
        aria-label=${paused ? "Play" : "Pause"}
        title="${paused ? "Play" : "Pause"} (Space)"
        @click=${() => transport.toggle()}
      >
        ${icon(paused ? "play" : "pause")}
      </button>
      <input
        type="range"
        min="0"
        max="0"
        step="0.01"
        value="0"
        aria-label="Place in the video"
        @pointerdown=${() => (this.held = true)}
        @input=${(event) => transport.seek(event.target.valueAsNumber)}
        @change=${() => (this.held = false)}
        @pointerup=${(event) => {
          this.held = false;
          event.target.blur();
        }}
      />
      <output class="small soft nowrap" aria-hidden="true"></output>
      <span class="wide-only line keep steps">
        ${button("One frame back", ",", "step-back", () => transport.step(-1))}
        ${button("One frame on", ".", "step-forward", () => transport.step(1))}
      </span>
      ${button("Repeat", "L", "repeat", () => transport.loop(), String(transport.looped.get()))}
      ${button("Mute", "M", transport.muted.get() ? "volume-x" : "volume-2", () => transport.mute(), String(transport.muted.get()))}
    </div>`;
  }
}
customElements.define("transport-bar", TransportBar);
