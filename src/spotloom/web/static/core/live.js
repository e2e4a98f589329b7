// Follows a batch's events: resumes after a cut with no gap, and says how the line stands.
import { signal } from "../vendor/lit.js";
import { api } from "./api.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 1500; // a page that was cut off is right again within 3 s
const OPENS_MS = 10_000; // a line that is not open by then does not come
const MOST_TRIES = 2; // lines that do not open, while the server answers other questions
const CROWDED_MS = 15_000;
const SILENT_MS = 40_000; // the server's heartbeat comes every 15 s
// A browser has six connections to a server for all its tabs: one that nobody looks at gives its own back.
const UNSEEN_MS = 5000;
const seen = () => document.visibilityState === "visible";

/** The events of one batch. `on.snapshot` and `on.delta` take the event's data; `on.gone` is told of the end. */
export class BatchLine {
  state = signal("connecting"); // connecting, live, reconnecting, crowded (too many lines are open), gone
  tries = 0;

  constructor(batch, { since = "", on }) {
    this.batch = `/api/batch/${encodeURIComponent(batch)}`;
    this.path = `${this.batch}/events`;
    this.last = since;
    this.on = on;
    this.wait = FIRST_WAIT_MS;
    this.resting = !seen();
    if (!this.resting) this.open();
    addEventListener("online", () => this.resting || this.again(0));
    document.addEventListener("visibilitychange", () => this.turn());
  }

  /** Rest while nobody looks; go on from the last event as soon as somebody does. */
  turn() {
    clearTimeout(this.unseen);
    if (this.state.get() === "gone") return;
    if (!seen()) {
      this.unseen = setTimeout(() => this.rest(), Number(document.body.dataset.unseenMs ?? UNSEEN_MS));
    } else if (this.resting) {
      this.resting = false;
      this.open();
    } else if (this.source?.readyState === EventSource.CLOSED) this.again(0);
  }

  rest() {
    this.resting = true;
    this.close();
    this.state.set("connecting");
  }

  open() {
    clearTimeout(this.timer);
    this.source?.close();
    const source = (this.source = new EventSource(
      this.last ? `${this.path}?since=${encodeURIComponent(this.last)}` : this.path,
    ));
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.again(this.wait), OPENS_MS);
    source.onopen = () => {
      this.wait = FIRST_WAIT_MS;
      this.tries = 0;
      this.state.set("live");
      this.watch();
    };
    for (const name of ["snapshot", "delta", "over"]) {
      source.addEventListener(name, (event) => {
        if (event.lastEventId) this.last = event.lastEventId;
        this.watch();
        this.on[name]?.(JSON.parse(event.data));
      });
    }
    source.addEventListener("gone", () => this.end());
    source.onerror = () => {
      if (this.state.get() !== "gone") this.again(this.wait);
    };
  }

  end() {
    this.close();
    this.state.set("gone");
    this.on.gone?.();
  }

  /** Come again after a while: the browser's own return would not survive an answer that is an error. */
  again(wait) {
    this.close();
    if (this.state.get() !== "crowded") this.state.set("reconnecting");
    this.wait = Math.min(LONGEST_WAIT_MS, this.wait * 2);
    this.timer = setTimeout(
      async () => {
        const status = await api.get(this.batch).then(
          () => 200,
          (error) => error.status,
        );
        if (this.resting || status === 401) return; // 401: the page is left for signing in
        if (status === 404) this.end();
        else if (status === 200) await this.openOrWait();
        else {
          this.state.set("reconnecting");
          this.again(this.wait);
        }
      },
      wait * (0.8 + 0.4 * Math.random()),
    );
  }

  /** An EventSource does not tell why it was refused: after some tries it is asked for. */
  async openOrWait() {
    if (++this.tries <= MOST_TRIES) return this.open();
    const asked = new AbortController();
    setTimeout(() => asked.abort(), OPENS_MS);
    const answer = await fetch(this.path, { signal: asked.signal }).catch(() => null);
    asked.abort();
    if (this.resting) return;
    if (answer?.status !== 429) return this.open();
    this.state.set("crowded");
    this.again(CROWDED_MS);
  }

  watch() {
    clearTimeout(this.silence);
    // Heartbeats are comments, which nobody is told of: after a long silence the line is made anew.
    this.silence = setTimeout(() => this.state.get() === "live" && this.open(), SILENT_MS);
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.source?.close();
  }
}
