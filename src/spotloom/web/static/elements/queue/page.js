// The queue: every lane, live while somebody looks.
import { api } from "../../core/api.js";
import { Element, icon, may, pageData } from "../../core/element.js";
import { count } from "../../core/format.js";
import { announce } from "../../core/toast.js";
import { html, nothing, repeat, signal } from "../../vendor/lit.js";
import { Poll } from "../parts/poll.js";
import "./lane.js";
import { laneState } from "./why.js";

const EVERY_MS = 2000;

const data = pageData();
const queue = signal(data);
const clock = signal(Date.now());
let merged = 0; // changes made on this page: an answer that was asked for before one of them does not undo it
const poll = new Poll(EVERY_MS, async () => {
  const before = merged;
  const now = await api.get(`/api/queue/status?ahead=${data.ahead}`);
  if (before === merged) take(now);
});
setInterval(() => document.visibilityState === "visible" && clock.set(Date.now()), 1000);

/** Put newer figures in place; a lane that did not change keeps its object. */
function take(newer) {
  const before = new Map(queue.get().lanes.map((lane) => [lane.id, lane]));
  for (const lane of newer.lanes) {
    const old = before.get(lane.id);
    const [was, is] = [old && laneState(old, Date.now()), laneState(lane, Date.now())];
    if (was && was.closed !== is.closed) announce(`${lane.provider}: ${is.word}. ${is.says}`);
  }
  const lanes = newer.lanes.map((lane) =>
    JSON.stringify(lane) === JSON.stringify(before.get(lane.id)) ? before.get(lane.id) : lane,
  );
  queue.set({
    ...newer,
    lanes: lanes.sort((a, b) => a.provider.localeCompare(b.provider) || a.account.localeCompare(b.account)),
  });
}
take(data);

class QueueTotals extends Element {
  render() {
    const { held, waiting } = queue.get();
    document.title = `${held || waiting ? `${count(held)} running, ${count(waiting)} waiting · ` : ""}Queue · Spotloom`;
    const live = poll.state.get();
    return html`<dl class="totals">
      <div>
        <dt>At the providers</dt>
        <dd>${count(held)}</dd>
      </div>
      <div>
        <dt>Waiting</dt>
        <dd>${count(waiting)}</dd>
      </div>
      <div>
        <dt class="unseen">Line</dt>
        <dd><span class="livemark ${live}">${live === "live" ? "Live" : "Reconnecting"}</span></dd>
      </div>
    </dl>`;
  }
}
customElements.define("queue-totals", QueueTotals);

class QueuePage extends Element {
  merge({ detail: lane }) {
    merged++;
    queue.set({
      ...queue.get(),
      lanes: queue.get().lanes.map((each) => (each.id === lane.id ? { ...each, ...lane } : each)),
    });
    poll.soon();
  }

  render() {
    const { lanes } = queue.get();
    if (!lanes.length) {
      return html`<div class="empty card">
        ${icon("list-ordered", "large")}
        <h2>No lane yet</h2>
        <p>The first campaign makes one, for the account of the provider that it goes to.</p>
        ${may("editor") ? html`<a class="button primary" href="/new">${icon("plus", "small")}New brief</a>` : nothing}
      </div>`;
    }
    return html`<div class="lanes" @lane=${this.merge}>
      ${repeat(
        lanes,
        (lane) => lane.id,
        (lane) => html`<queue-lane .lane=${lane} .now=${clock.get()}></queue-lane>`,
      )}
    </div>`;
  }
}
customElements.define("queue-page", QueuePage);
