// The review page: one film large, two in step, or all on a sheet; what is left to do; every key.
import { Element, icon } from "../../core/element.js";
import { count, plural } from "../../core/format.js";
import { keys, offer } from "../../core/keys.js";
import { announce } from "../../core/toast.js";
import { html, nothing, ref } from "../../vendor/lit.js";
import { fetchFile } from "../parts/download.js";
import "./compare.js";
import { crown, decide, mayDecide, meant, move, undo } from "./deeds.js";
import { filters } from "./filters.js";
import "./player.js";
import { reject } from "./reasons.js";
import { below, toggle } from "./sheet.js";
import { which } from "./side.js";
import { batch, counts, follow, gone, name, settled, total, underWay, video, videos, who } from "./store.js";
import { Transport } from "./transport.js";
import * as view from "./view.js";

const ICONS = { one: "film", two: "columns-2", sheet: "layout-grid" };
const LINE = { reconnecting: "Reconnecting", crowded: "Not live: too many tabs" };
const KEYS = { two: "C", sheet: "G" };
const transport = new Transport();
const brand = document.title.split(" · ").slice(1).join(" · ");

view.read();

const large = () => view.mode.get() !== "sheet";
const step = (by) => () => move(view.after(view.aimed(), by));
const turn = (how) => () => view.look(view.mode.get() === how ? "one" : how);
const line = (by) => () => move(large() ? view.after(view.aimed(), by) : below(by));
const side = (number) => () => view.active.set(number);
const two = () => view.mode.get() === "two";

keys({
  j: { does: "Next video", run: step(1) },
  k: { does: "Previous video", run: step(-1) },
  ArrowRight: { run: step(1) },
  ArrowLeft: { run: step(-1) },
  ArrowDown: { run: line(1) },
  ArrowUp: { run: line(-1) },
  " ": { does: "Play or pause", run: () => transport.toggle(), when: large },
  m: { does: "Sound on or off", run: () => transport.mute(), when: large },
  l: { does: "Repeat", run: () => transport.loop(), when: large },
  ",": { does: "One frame back", run: () => transport.step(-1), when: large },
  ".": { does: "One frame on", run: () => transport.step(1), when: large },
  c: { does: "Compare two side by side", run: turn("two") },
  g: { does: "Grid of all videos", run: turn("sheet") },
  1: { does: "Left of two", run: side(0), when: two },
  2: { does: "Right of two", run: side(1), when: two },
  n: { run: () => {} }, // elsewhere a new brief: not in the middle of a review
  Escape: { run: escape },
});
if (mayDecide) {
  keys({
    a: { does: "Approve", run: () => decide("approved") },
    r: { does: "Reject, then 1 to 5 for the reason", run: () => reject(meant()) },
    w: { does: "Winner, or no longer", run: () => crown() },
    n: { does: "Write a note", run: () => document.getElementById("notes")?.focus() },
    u: { does: "Undo the last decision", run: undo },
    x: {
      does: "Select in the grid",
      run: () => view.current.get() && toggle(view.current.get()),
      when: () => !large(),
    },
  });
}
offer(
  ...Object.keys(view.MODES).map((how) => ({ label: `View: ${view.MODES[how]}`, run: () => view.look(how) })),
  ...Object.entries(view.SHOWS).map(([word, label]) => ({ label: `Show: ${label}`, run: () => view.filter(word) })),
  { label: "The campaign of these videos", href: `/campaigns/${encodeURIComponent(batch)}` },
);

function escape() {
  if (view.selected.get().size) view.selected.set(new Set());
  else if (view.mode.get() !== "one") view.look("one");
}

class ReviewPage extends Element {
  connectedCallback() {
    super.connectedCallback();
    addEventListener("popstate", () => view.read());
    this.line = follow((key) => {
      const { review, reviewedBy } = video(key);
      announce(`${who(reviewedBy)}: ${name(key)} is ${review === "none" ? "without a review again" : review}.`);
    });
  }

  updated() {
    const { reviewed, all } = counts.get();
    document.title = `${reviewed} of ${all} reviewed · ${brand}`;
    view.welcome();
    view.write();
  }

  head() {
    const { all, reviewed, approved, rejected } = counts.get();
    const state = this.line.state.get();
    return html`<div class="pagehead">
      <div><h1>Review</h1></div>
      <div class="progress">
        <p class="line keep">
          <span><strong>${count(reviewed)} of ${count(all)}</strong> reviewed</span>
          ${all < total ? html`<span class="soft small">${plural(total - all, "video")} not finished</span>` : nothing}
          ${LINE[state] ? html`<span class="livemark reconnecting">${LINE[state]}</span>` : nothing}
        </p>
        <div
          class="meter"
          role="img"
          aria-label="${approved} approved, ${rejected} rejected, ${all - reviewed} not reviewed"
        >
          ${bar("completed", approved, all)}${bar("failed", rejected, all)}
        </div>
      </div>
      <div class="segmented" role="group" aria-label="View">
        ${Object.entries(view.MODES).map(
          ([how, word]) =>
            html`<button
              aria-pressed=${String(view.mode.get() === how)}
              title=${KEYS[how] ? `${word} (${KEYS[how]})` : word}
              @click=${() => view.look(how)}
            >
              ${icon(ICONS[how], "small")}${word}
            </button>`,
        )}
      </div>
    </div>`;
  }

  body() {
    const key = view.current.get();
    if (!counts.get().all) return nothingYet();
    if (!key) return nothingLeft();
    if (view.mode.get() === "sheet") return html`<review-sheet></review-sheet>${bulk()}`;
    const films = two()
      ? html`<review-pair .transport=${transport}></review-pair>`
      : html`<review-player .transport=${transport}></review-player>`;
    return html`<div class="floor">
        <div class="stagecard card flush" ?data-two=${two()}>
          ${films}<transport-bar .transport=${transport}></transport-bar>
        </div>
        <review-side></review-side>
      </div>
      ${walk()}`;
  }

  render() {
    if (gone.get()) return html`${this.head()}${nothingMore()}`;
    videos.get();
    return html`${this.head()}${counts.get().all ? filters() : nothing}${allDone()}${this.body()}`;
  }
}

const bar = (kind, part, all) =>
  html`<i class=${kind} ${ref((each) => each?.style.setProperty("--part", all ? (100 * part) / all : 0))}></i>`;

/** Big buttons for a thumb, where there is no keyboard. */
function walk() {
  const key = view.aimed();
  const item = video(key);
  const arrow = (by, name, words) =>
    html`<button class="button iconic" aria-label=${words} ?disabled=${!view.after(key, by)} @click=${step(by)}>
      ${icon(name)}
    </button>`;
  return html`<div class="walk" ?data-two=${two()} role="group" aria-label="Decide and go on">
    ${arrow(-1, "chevron-left", "Previous video")}
    ${
      mayDecide
        ? html`<button
              class="button reject"
              aria-pressed=${String(item.review === "rejected")}
              @click=${() => reject([key])}
            >
              ${icon("thumbs-down")}Reject${which()}
            </button>
            <button
              class="button approve"
              aria-pressed=${String(item.review === "approved")}
              @click=${() => decide("approved", { keys: [key] })}
            >
              ${icon("thumbs-up")}Approve${which()}
            </button>`
        : html`<span class="push"></span>`
    }
    ${arrow(1, "chevron-right", "Next video")}
  </div>`;
}

function bulk() {
  const many = view.selected.get().size;
  if (!many) return nothing;
  return html`<div class="bulkbar" role="group" aria-label="Selected videos">
    <span class="nowrap" role="status">${count(many)} selected</span>
    <button class="button small" @click=${() => decide("approved")}>${icon("thumbs-up", "small")}Approve</button>
    <button class="button small" @click=${() => reject(meant())}>${icon("thumbs-down", "small")}Reject…</button>
    <button class="button small" @click=${() => crown()}>${icon("trophy", "small")}Winner</button>
    ${many === 2 ? html`<button class="button small" @click=${() => view.look("two")}>${icon("columns-2", "small")}Compare</button>` : nothing}
    <button class="button small" @click=${() => view.selected.set(new Set())}>Clear</button>
  </div>`;
}

/** The files are asked for when what was decided last is stored, else they lack that. */
async function fetchFiles(event) {
  if (!underWay()) return;
  const { href } = event.currentTarget;
  event.preventDefault();
  await settled();
  fetchFile(href);
}

function allDone() {
  const { all, unreviewed, approved, rejected, winners } = counts.get();
  if (!all || unreviewed || all < total) return nothing;
  const files = `/api/campaigns/${encodeURIComponent(batch)}/files.zip?review=approved`;
  return html`<div class="notice good alldone">
    ${icon("circle-check")}
    <div class="line">
      <p>
        <strong>All ${count(all)} are reviewed:</strong> ${count(approved)} approved, ${count(rejected)} rejected,
        ${plural(winners, "winner")}.
      </p>
      ${
        approved
          ? html`<a class="button small" href=${files} download @click=${fetchFiles}
              >${icon("download", "small")}Download the approved</a
            >`
          : nothing
      }
    </div>
  </div>`;
}

function nothingMore() {
  return html`<div class="notice bad">
    ${icon("trash-2")}
    <div>
      <p class="strong">This campaign was deleted</p>
      <p>Its videos are no longer listed, and nothing more is decided about them.</p>
    </div>
    <span class="push"><a class="button small" href="/">All campaigns</a></span>
  </div>`;
}

function nothingYet() {
  return html`<div class="card empty">
    ${icon("film", "large")}
    <h2>Nothing to review yet</h2>
    <p>${plural(total, "video")} ordered; none is finished. Each appears here as soon as it is.</p>
    <p><a class="button primary" href="/campaigns/${encodeURIComponent(batch)}">See how far they are</a></p>
  </div>`;
}

function nothingLeft() {
  return html`<div class="card empty">
    ${icon("search", "large")}
    <h2>No video matches</h2>
    <p>None of the ${plural(counts.get().all, "finished video")} is what the filter asks for.</p>
    <p><button class="button primary" @click=${view.clear}>Show all</button></p>
  </div>`;
}

customElements.define("review-page", ReviewPage);
