// Follows a batch's events: resumes after a cut with no gap, and says how the line stands.
import { signal } from "../vendor/lit.js";
import { signInFirst } from "./api.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 1500; // a page that was cut off is right again within 3 s
const SILENT_MS = 40_000; // the server's heartbeat comes every 15 s
// A browser has six connections to a server for all its tabs: one that nobody looks at gives its own back.
const UNSEEN_MS = 5000;
const seen = () => document.visibilityState === "visible";

/** The events of one batch. `on.snapshot`, `on.delta`, `on.over` and `on.gone` take the event's data. */
export class BatchLine {
  state = signal("connecting"); // connecting, live, reconnecting, gone

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
    source.onopen = () => {
      this.wait = FIRST_WAIT_MS;
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
    this.source?.close();
    clearTimeout(this.timer);
    this.state.set("reconnecting");
    this.wait = Math.min(LONGEST_WAIT_MS, this.wait * 2);
    this.timer = setTimeout(
      async () => {
        const answer = await fetch(this.batch, { credentials: "same-origin" }).catch(() => null);
        if (this.resting) return;
        if (answer?.status === 401) signInFirst();
        else if (answer?.status === 404) this.end();
        else if (answer?.ok) this.open();
        else this.again(this.wait);
      },
      wait * (0.8 + 0.4 * Math.random()),
    );
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
