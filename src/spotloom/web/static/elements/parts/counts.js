// Videos by state: the bar, and the words beside it.
import { GROUPS, count } from "../../core/format.js";
import { html, nothing, ref } from "../../vendor/lit.js";

export const WORDS = {
  completed: "done",
  running: "running",
  queued: "queued",
  failed: "failed",
  unknown: "possibly charged",
  cancelled: "cancelled",
};
/** The dot of each group: the class of its chief state. */
export const DOT = {
  completed: "completed",
  running: "generating",
  queued: "queued",
  failed: "failed",
  unknown: "unknown",
  cancelled: "cancelled",
};
const BAR = { completed: "completed", running: "busy", failed: "failed", unknown: "unknown", cancelled: "cancelled" };

/** How many videos are in each group of states: `{completed, running, queued, …}`. */
export function grouped(counts) {
  return Object.fromEntries(
    Object.entries(GROUPS).map(([group, states]) => [
      group,
      states.reduce((sum, state) => sum + (counts[state] ?? 0), 0),
    ]),
  );
}

/** The groups that have any, in words: "12 done, 3 queued". */
function inWords(groups) {
  return Object.entries(WORDS)
    .filter(([group]) => groups[group])
    .map(([group, word]) => `${count(groups[group])} ${word}`)
    .join(", ");
}

/** Sets how much of a bar is filled, without an inline style in the page's source. */
export const part = (percent) => ref((element) => element?.style.setProperty("--part", percent.toFixed(2)));

export function bar(groups, total) {
  return html`<div class="meter" role="img" aria-label=${inWords(groups) || "no videos"}>
    ${Object.entries(BAR).map(([group, look]) => (groups[group] ? html`<i class=${look} ${part((100 * groups[group]) / total)}></i>` : nothing))}
  </div>`;
}

export function legend(groups) {
  return html`<ul class="line legend">
    ${Object.entries(WORDS).map(([group, word]) => (groups[group] ? html`<li class="status ${DOT[group]}">${count(groups[group])} ${word}</li>` : nothing))}
  </ul>`;
}
