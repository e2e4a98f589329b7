// The rows of the matrix: made once, then only what changes is touched, so that 660 of them answer at once.
import { icon } from "../../core/element.js";
import { money } from "../../core/format.js";
import { html, nothing, render } from "../../vendor/lit.js";

const WHY = { single: "Excluded", condition: "By your rule", rule: "Left out" };

/** The lines of the matrix in one body, each made once. */
export class Rows {
  #lines = new Map(); // combination → its line, and what in it changes
  shown = []; // combinations, in the order they stand in

  constructor(body, { columns, cost, label }) {
    this.body = body;
    Object.assign(this, { columns, cost, label });
  }

  /** Make a line for every combination. */
  build(rows) {
    this.#lines.clear();
    this.body.textContent = "";
    const pattern = document.createElement("div");
    render(
      html`<div class="mrow" role="row" tabindex="-1">
        <span class="pick" role="cell"><input type="checkbox" tabindex="-1" /></span
        >${this.columns.map(() => html`<span class="value" role="cell"></span>`)} <span class="why" role="cell"></span
        ><span class="cost number" role="cell">${money(this.cost)}</span
        ><span class="act" role="cell"
          ><button class="button quiet small iconic" tabindex="-1">
            ${icon("ban", "small")}${icon("undo-2", "small")}
          </button></span
        >
      </div>`,
      pattern,
    );
    const model = pattern.firstElementChild;
    const marks = document.createNodeIterator(model, NodeFilter.SHOW_COMMENT);
    for (let mark = marks.nextNode(); mark; mark = marks.nextNode()) mark.remove();
    const all = document.createDocumentFragment();
    for (const row of rows) {
      const line = model.cloneNode(true);
      line.row = row;
      line.dataset.id = row.id;
      const [pick, ...rest] = line.children;
      this.columns.forEach((dimension, place) => {
        rest[place].textContent = this.label(dimension, row.values[dimension.key]);
        rest[place].dataset.label = dimension.label;
      });
      const name = this.nameOf(row);
      pick.firstElementChild.setAttribute("aria-label", `Select ${name}`);
      this.#lines.set(row, {
        line,
        box: pick.firstElementChild,
        why: rest[this.columns.length],
        button: rest.at(-1).firstElementChild,
        name,
        state: null,
      });
      all.append(line);
    }
    this.body.append(all);
    this.shown = rows;
  }

  nameOf(row) {
    return (
      this.columns.map((dimension) => this.label(dimension, row.values[dimension.key])).join(", ") ||
      `combination ${row.at + 1}`
    );
  }

  lineOf(row) {
    return this.#lines.get(row)?.line;
  }

  /** Show in every line whether it is excluded and selected; lines that are as they were stay untouched. */
  mark(selected) {
    for (const [row, parts] of this.#lines) {
      const chosen = selected.has(row.id);
      if (parts.chosen !== chosen) {
        parts.chosen = chosen;
        parts.box.checked = chosen;
        parts.line.toggleAttribute("data-selected", chosen);
      }
      const state = row.why ? `${row.why.kind} ${row.why.text ?? ""}` : "";
      if (parts.state === state) continue;
      parts.state = state;
      const kind = row.why?.kind;
      if (kind) parts.line.dataset.why = kind;
      else delete parts.line.dataset.why;
      parts.why.textContent = kind ? WHY[kind] : "";
      parts.why.title = row.why?.text ?? "";
      parts.button.disabled = kind === "rule";
      parts.button.title = kind === "rule" ? row.why.text : kind ? "Include" : "Exclude";
      parts.button.setAttribute(
        "aria-label",
        kind === "rule" ? `Left out: ${row.why.text}` : `${kind ? "Include" : "Exclude"} ${parts.name}`,
      );
    }
  }

  /** Mark the line of the one combination that is looked at. */
  look(row) {
    if (this.#at !== row) {
      this.lineOf(this.#at)?.removeAttribute("aria-current");
      this.lineOf(row)?.setAttribute("aria-current", "true");
      this.#at = row;
    }
    // Tab comes to one line alone: to that which is looked at, or to the first.
    const stop = this.lineOf(this.shown.includes(row) ? row : this.shown[0]);
    if (stop === this.#stop) return;
    if (this.#stop) this.#stop.tabIndex = -1;
    if (stop) stop.tabIndex = 0;
    this.#stop = stop;
  }

  /** Show these combinations alone, in this order. */
  arrange(rows) {
    const same = rows.length === this.shown.length && rows.every((row, place) => row === this.shown[place]);
    if (same) return;
    const wanted = new Set(rows);
    const inOrder = rows.every((row, place) => !place || rows[place - 1].at < row.at);
    const wasInOrder = this.#ordered !== false;
    for (const [row, { line }] of this.#lines) line.hidden = !wanted.has(row);
    if (!inOrder || !wasInOrder) {
      const all = document.createDocumentFragment();
      for (const row of inOrder ? this.#lines.keys() : rows) all.append(this.#lines.get(row).line);
      this.body.append(all);
    }
    this.#ordered = inOrder;
    this.shown = rows;
  }

  #ordered = true;
  #at = null;
  #stop = null;
}

/** The words of the head: the dimensions' names, each a way to sort. */
export function head(columns, { sort, onSort, allSelected, someSelected, onAll, costWord }) {
  const column = (key, label, kind = "") => {
    const on = sort.key === key;
    return html`<span
      role="columnheader"
      class=${kind}
      aria-sort=${on ? (sort.down ? "descending" : "ascending") : "none"}
      ><button class="sorter" @click=${() => onSort(key)}>
        ${label}${on ? icon(sort.down ? "arrow-down" : "arrow-up", "small") : nothing}
      </button></span
    >`;
  };
  return html`<div class="mrow mhead" role="row">
    <span class="pick" role="columnheader"
      ><input
        type="checkbox"
        aria-label="Select all that are shown"
        .checked=${allSelected}
        .indeterminate=${someSelected && !allSelected}
        @change=${onAll}
    /></span>
    ${columns.map((dimension) => column(dimension.key, dimension.label))}${column("why", "State", "why")}${column("cost", costWord, "number")}<span
      role="columnheader"
      class="act"
      ><span class="unseen">Exclude or include</span></span
    >
  </div>`;
}
