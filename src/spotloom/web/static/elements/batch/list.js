// The list of videos, as rows or as cards: made once, each drawn alone when it changes, moved only when asked.
import { Element, icon } from "../../core/element.js";
import { keys } from "../../core/keys.js";
import { announce, toast } from "../../core/toast.js";
import { html, nothing, render } from "../../vendor/lit.js";
import { reject, review } from "./deeds.js";
import { clearSelection, everything, filtered, go, refresh, select, selected, selection, shown, view } from "./view.js";
import { play, playing, stop, toggleSound } from "./player.js";
import { card, columns, editor, row } from "./rows.js";
import { byKey, onFrame, page, videos } from "./store.js";

const AT_ONCE = 48; // drawn in one go; the rest follow in the browser's pauses
const HEADS = { status: "Status", cost: "Cost" };
const again = (video) => video.now.attempt > 1;
const later = globalThis.requestIdleCallback ?? ((work) => setTimeout(work, 16));

class BatchList extends Element {
  connectedCallback() {
    super.connectedCallback();
    this.boxes = new Map();
    for (const video of videos) {
      const box = document.createElement("div");
      box.className = "vid";
      box.dataset.key = video.key;
      box.tabIndex = -1;
      this.boxes.set(video, box);
    }
    this.drawn = new Set();
    this.picked = new Set();
    this.at = null;
    this.tried = videos.some(again);
    onFrame((changed) => {
      for (const video of changed) if (this.drawn.has(video)) this.draw(video);
      if (this.tried || ![...changed].some(again)) return;
      this.tried = true;
      this.requestUpdate();
    });
    this.bind();
  }

  draw(video) {
    const box = this.boxes.get(video);
    render(this.layout === "rows" ? row(video) : card(video), box);
    box.dataset.status = video.now.status;
    this.drawn.add(video);
  }

  // Drawing all at once would keep the page from answering; what is seen first comes first.
  drawSome(list, round) {
    if (round !== this.round) return;
    let drawn = 0;
    for (const video of list) {
      if (this.drawn.has(video)) continue;
      if (drawn++ >= AT_ONCE) {
        later(() => this.drawSome(list, round), { timeout: 200 });
        return;
      }
      this.draw(video);
    }
  }

  render() {
    const { layout, sort, descending } = view.get();
    const found = shown.get();
    selection.get();
    const head = (key, label, css = "") =>
      html`<span
        role="columnheader"
        class=${css}
        aria-sort=${sort === key ? (descending ? "descending" : "ascending") : nothing}
        ><button @click=${() => go(sort === key ? { descending: !descending } : { sort: key, descending: false })}>
          ${label}${sort === key ? icon(descending ? "arrow-down" : "arrow-up", "small") : nothing}
        </button></span
      >`;
    return html`<div
        class="card flush list ${layout}"
        role=${layout === "rows" ? "grid" : nothing}
        aria-label="Videos"
        aria-multiselectable=${layout === "rows" ? "true" : nothing}
        aria-rowcount=${layout === "rows" ? found.length + 1 : nothing}
      >
        ${
          layout === "rows"
            ? html`<div class="vid head" role="row">
                <span role="columnheader" class="pick"
                  ><input
                    type="checkbox"
                    aria-label="Select all that are shown"
                    @change=${(event) =>
                      select(
                        found.map((video) => video.key),
                        event.target.checked,
                      )}
                /></span>
                ${head("position", html`<abbr title="Number">No.</abbr>`, "no")}<span role="columnheader" class="thumb"
                  ><span class="unseen">Poster</span></span
                ><span role="columnheader" class="words">Video</span>
                ${columns.map((each) => head(each.key, each.label, "dim clip"))}${head("status", HEADS.status, "state")}<span
                  role="columnheader"
                  class="tries"
                  ><span class=${this.tried ? nothing : "unseen"}>Tries</span></span
                >${head("cost", HEADS.cost, "cost number")}<span role="columnheader" class="said"
                  ><span class="unseen">Review</span></span
                >
              </div>`
            : nothing
        }
        <div
          class="body"
          role=${!found.length ? nothing : layout === "rows" ? "rowgroup" : "list"}
          aria-label=${layout === "rows" ? nothing : "Videos"}
          @click=${this.clicked}
          @focusin=${this.focused}
        ></div>
      </div>
      ${
        found.length
          ? nothing
          : html`<div class="empty">
              ${icon("search", "large")}
              <h2>No video fits</h2>
              <p>
                ${filtered() ? "None of this batch's videos has what you look for now." : "This batch has no videos."}
              </p>
              <button class="button" @click=${() => go(everything)}>Show all ${videos.length}</button>
            </div>`
      }`;
  }

  updated() {
    const { layout } = view.get();
    const found = shown.get();
    const body = this.querySelector(".body");
    const held = document.activeElement?.closest(".vid[data-key]");
    if (layout !== this.layout) this.turn(layout);
    if (found !== this.found || body !== this.body) {
      this.body = body;
      this.found = found;
      this.round = (this.round ?? 0) + 1;
      const { round } = this;
      // Not within the update, which would follow the signal of every video that is drawn in it.
      queueMicrotask(() => this.drawSome(found, round));
      body.replaceChildren(...found.map((video) => this.boxes.get(video)));
      if (!this.at || !found.includes(this.at)) this.stand(found[0] ?? null);
      if (held && this.at) this.boxes.get(this.at).focus({ preventScroll: true });
      if (layout === "rows")
        found.forEach((video, place) => this.boxes.get(video).setAttribute("aria-rowindex", place + 2));
    }
    this.paintSelection();
    const open = byKey.get(view.get().video);
    if (!open) return;
    if (open !== this.at) this.stand(open);
    // Only for who opens a video.
    this.drawer ??= import("./drawer.js").catch(() => {
      this.drawer = null;
      toast("The details could not be fetched. Load the page again to have them.", { kind: "bad", seconds: 10 });
      go({ video: "" });
    });
  }

  turn(layout) {
    stop();
    this.layout = layout;
    this.drawn.clear();
    this.round = (this.round ?? 0) + 1;
    for (const box of this.boxes.values()) {
      render(nothing, box);
      box.setAttribute("role", layout === "rows" ? "row" : "listitem");
      if (layout === "rows") box.setAttribute("aria-selected", "false");
      else for (const name of ["aria-selected", "aria-rowindex"]) box.removeAttribute(name);
    }
    this.found = null;
    this.picked = new Set();
    this.style.setProperty("--dims", String(columns.length));
    this.style.setProperty("--ratio", (page.ratio ?? "9:16").replace(":", " / "));
  }

  paintSelection() {
    const picked = selection.get();
    for (const key of new Set([...picked, ...this.picked])) {
      const on = picked.has(key);
      const box = this.boxes.get(byKey.get(key));
      box.classList.toggle("selected", on);
      if (this.layout === "rows") box.setAttribute("aria-selected", String(on));
      const tick = box.querySelector(".pick input");
      if (tick) tick.checked = on;
    }
    this.picked = picked;
    const all = this.querySelector(".head .pick input");
    if (all) {
      const here = this.found.filter((video) => picked.has(video.key)).length;
      all.checked = here > 0 && here === this.found.length;
      all.indeterminate = here > 0 && here < this.found.length;
    }
  }

  stand(video) {
    if (this.at) this.boxes.get(this.at).tabIndex = -1;
    this.at = video;
    if (video) this.boxes.get(video).tabIndex = 0;
  }

  focused(event) {
    const video = byKey.get(event.target.closest(".vid")?.dataset.key);
    if (video) this.stand(video);
  }

  clicked(event) {
    const video = byKey.get(event.target.closest(".vid")?.dataset.key);
    if (!video || event.target.closest("button, input, a, .pick")) return;
    if (event.shiftKey && this.at) {
      const [from, to] = [this.found.indexOf(this.at), this.found.indexOf(video)].sort((a, b) => a - b);
      select(this.found.slice(Math.max(0, from), to + 1).map((each) => each.key));
      this.stand(video);
      getSelection().removeAllRanges();
    } else if (event.metaKey || event.ctrlKey) {
      select([video.key], !selection.get().has(video.key));
    } else {
      this.stand(video);
      const media = event.target.closest(".media");
      if (media && video.now.files.video) play(video, media);
      else go({ video: video.key });
    }
  }

  /** Stand on the video so many places on, and see it; an open drawer goes along. */
  step(by, { extend = false } = {}) {
    const open = byKey.get(view.get().video);
    const from = this.found.indexOf(open ?? this.at);
    const inside = open || document.activeElement?.closest(".vid");
    const next = this.found[Math.min(this.found.length - 1, Math.max(0, inside ? from + by : from))];
    if (!next) return;
    if (extend) select([this.at.key, next.key]);
    this.show(next, { focus: !open });
    if (open) go({ video: next.key }, { replace: true });
  }

  show(video, { focus = true } = {}) {
    this.stand(video);
    const box = this.boxes.get(video);
    if (!this.drawn.has(video)) this.draw(video);
    if (focus) box.focus({ preventScroll: true });
    box.scrollIntoView({ block: "nearest" });
  }

  playHere(video) {
    if (!video.now.files.video) return announce("This video has no file yet.");
    const drawer = document.querySelector("dialog.drawer[open] .media");
    return play(video, drawer ?? (this.layout === "grid" ? this.boxes.get(video).querySelector(".media") : null));
  }

  pick({ key }) {
    select([key], !selection.get().has(key));
  }

  /** The open video, else the selected ones, else the one that has the focus; a key alone points at none. */
  meant() {
    const open = byKey.get(view.get().video);
    if (open) return [open];
    if (selection.get().size) return selected();
    const focused = byKey.get(document.activeElement?.closest(".vid")?.dataset.key);
    return focused ? [focused] : [];
  }

  bind() {
    const calm = () => !view.get().video;
    const here = () => this.at !== null;
    const inList = () => here() && calm() && document.activeElement?.closest(".vid");
    const down = () => (this.layout === "grid" ? this.across() : 1);
    keys({
      j: { does: "Next video", run: () => this.step(1), when: here },
      k: { does: "Video before", run: () => this.step(-1), when: here },
      ArrowDown: { run: () => this.step(down()), when: inList },
      ArrowUp: { run: () => this.step(-down()), when: inList },
      ArrowRight: { run: () => this.step(1), when: () => inList() && this.layout === "grid" },
      ArrowLeft: { run: () => this.step(-1), when: () => inList() && this.layout === "grid" },
      "Shift+ArrowDown": { run: () => this.step(1, { extend: true }), when: inList },
      "Shift+ArrowUp": { run: () => this.step(-1, { extend: true }), when: inList },
      x: { does: "Select or not", run: () => this.pick(byKey.get(view.get().video) ?? this.at), when: here },
      Enter: { does: "Open the video's details", run: () => go({ video: this.at.key }), when: () => here() && calm() },
      " ": { does: "Play or stop", run: () => this.playHere(byKey.get(view.get().video) ?? this.at), when: here },
      m: { does: "Sound on or off", run: toggleSound },
      g: { does: "Rows or grid", run: () => go({ layout: this.layout === "rows" ? "grid" : "rows" }), when: calm },
      "/": { does: "Find", run: () => document.querySelector("batch-tools input[type=search]").focus(), when: calm },
      u: { does: "Sort and filter again", run: refresh, when: calm },
      // An open drawer takes Escape itself; before it is there nothing else does.
      Escape: { does: "Stop playing, or clear the selection", run: escape, when: () => calm() || !isDrawn() },
    });
    if (!editor) return;
    const pointed = () => here() && this.meant().length > 0;
    keys({
      a: { does: "Approve", run: () => review(this.meant(), "approved"), when: pointed },
      r: { does: "Reject, then 1 to 5 for the reason", run: () => reject(this.meant()), when: pointed },
    });
  }

  across() {
    const [first, ...rest] = this.body.children;
    return first ? rest.filter((each) => each.offsetTop === first.offsetTop).length + 1 : 1;
  }
}

const isDrawn = () => document.querySelector("dialog.drawer[open]") !== null;

function escape() {
  if (view.get().video) go({ video: "" });
  else if (document.activeElement?.matches("input")) document.activeElement.blur();
  else if (playing.get()) stop();
  else clearSelection();
}
customElements.define("batch-list", BatchList);
