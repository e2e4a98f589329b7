// Asks again and again while somebody looks, and says how the line stands.
import { signal } from "../../vendor/lit.js";

const LONGEST_WAIT_MS = 15_000;

/** Calls `ask` at once when the page comes into view, then every `everyMs`; slower while it fails. */
export class Poll {
  state = signal("live"); // live, reconnecting
  #timer;
  #failures = 0;
  #asking = false;
  #again = false;
  #stopped = false;

  constructor(everyMs, ask, { now = false } = {}) {
    this.everyMs = everyMs;
    this.ask = ask;
    this.seen = () => document.visibilityState === "visible" && this.soon();
    document.addEventListener("visibilitychange", this.seen);
    addEventListener("online", this.seen);
    this.#wait(now ? 0 : everyMs);
  }

  /** Ask now, rather than when it is time; what is being asked already may be of before. */
  soon() {
    this.#again = this.#asking;
    this.#wait(0);
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.seen);
    removeEventListener("online", this.seen);
  }

  #wait(ms) {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => this.#turn(), ms);
  }

  async #turn() {
    if (document.visibilityState !== "visible" || this.#asking) return;
    this.#asking = true;
    try {
      await this.ask();
      this.#failures = 0;
      this.state.set("live");
    } catch {
      this.#failures++;
      this.state.set("reconnecting");
    } finally {
      const again = this.#again;
      this.#asking = this.#again = false;
      this.#wait(again ? 0 : Math.min(LONGEST_WAIT_MS, this.everyMs * 2 ** Math.min(this.#failures, 3)));
    }
  }
}
