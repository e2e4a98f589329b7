// The page of the matrix: every combination, to sort, filter, select and strike out.
import { Element, icon, labelled } from "../../core/element.js";
import { count, plural } from "../../core/format.js";
import { announce, complain } from "../../core/toast.js";
import { html, live, nothing, signal } from "../../vendor/lit.js";
import { save } from "../parts/download.js";
import { csv } from "./csv.js";
import { each, form, modelOf, space, vocabulary } from "./draft.js";
import { addRule, canRedo, canUndo, leaveOut, redo, removeRule, rules, said, takeIn, undo } from "./exclusions.js";
import { slug } from "./download.js";
import { clear, isNarrowed, narrowed, see, sortBy, toggleFacet, view } from "./filters.js";
import { bindKeys } from "./hands.js";
import { allKnown, looking, sheet } from "./prompt.js";
import { follow } from "./plan.js";
import { Rows, head } from "./rows.js";
import { ANY, holds } from "./space.js";
import "./summary.js";

const selected = signal(new Set());
const saving = signal(false);
const labels = new Map(
  vocabulary.dimensions.flatMap((dimension) =>
    dimension.options.map((option) => [`${dimension.key}=${option.key}`, option.label]),
  ),
);
const labelOf = (dimension, option) => labels.get(`${dimension.key}=${option}`) ?? option;
const texts = new WeakMap();

function textOf(row) {
  let text = texts.get(row);
  if (text === undefined) {
    text = `${row.id} ${Object.entries(row.values)
      .map(([key, option]) => labels.get(`${key}=${option}`))
      .join(" ")}`.toLowerCase();
    texts.set(row, text);
  }
  return text;
}

class BriefMatrix extends Element {
  #rows = null;
  #built = "";
  shown = [];

  connectedCallback() {
    super.connectedCallback();
    bindKeys(this);
  }

  columns() {
    const { chosen } = space.get();
    return chosen.filter((one) => view.get().every || one.options.length > 1).map((one) => one.dimension);
  }

  render() {
    const { rows, missing, total } = space.get();
    if (missing.length)
      return nowhere(
        "Nothing to show yet",
        `The brief has no ${missing.map((one) => one.label.toLowerCase()).join(", no ")}.`,
      );
    if (!rows)
      return nowhere(
        `${plural(total, "video")} are too many to list`,
        "Choose fewer options, so that a batch can hold them; the brief says which.",
      );
    const { shown, counts } = narrowed(rows, textOf);
    this.shown = shown;
    const chosen = shown.filter((row) => selected.get().has(row.id)).length;
    const sort = view.get().sort;
    return html`${this.bar(rows)}${facets(counts)}${this.narrowedBar(shown)}${ruleTags(rows)}${constants()}
      <div class="card flush matrixcard">
        <div class="matrix" role="table" aria-label="Combinations" aria-rowcount=${shown.length + 1}>
          <div role="rowgroup">
            ${head(this.columns(), {
              sort,
              onSort: sortBy,
              allSelected: chosen > 0 && chosen === shown.length,
              someSelected: chosen > 0,
              onAll: () => this.selectAll(chosen < shown.length),
              costWord: modelOf(form()).charges ? "Cost" : "Forecast",
            })}
          </div>
          <div role="rowgroup" class="mbody" @click=${this.clicked} @focusin=${this.reached}></div>
        </div>
        ${
          shown.length
            ? nothing
            : html`<p class="soft nomatch">
                No combination matches.
                <button class="textbutton" @click=${clear}>Show all ${count(rows.length)}</button>
              </p>`
        }
      </div>
      ${this.bulkbar()}`;
  }

  updated() {
    document.body.toggleAttribute("data-selecting", this.chosen().length > 0);
    const body = this.querySelector(".mbody");
    const { rows } = space.get();
    if (!body || !rows?.length) return;
    const columns = this.columns();
    const build = `${columns.map((one) => one.key)} ${each()}`;
    if (this.#rows?.body !== body || this.#built !== build || this.of !== rows) {
      this.#rows = new Rows(body, { columns, cost: each(), label: labelOf });
      this.#rows.build(rows);
      Object.assign(this, { of: rows });
      this.#built = build;
      this.querySelector(".matrix").style.setProperty("--columns", `repeat(${columns.length}, minmax(0, 1fr))`);
      this.querySelector(".matrix").style.setProperty("--least", `${columns.length * 120 + 300}px`);
    }
    const [next, inside] = [this.instead(), this.isIn()];
    if (next) looking.set(next);
    this.#rows.arrange(this.shown);
    this.#rows.mark(selected.get());
    this.#rows.look(looking.get());
    if (next && inside) this.focusOn(next);
  }

  /** The row that takes the place of the one that is looked at, where that is no longer shown. */
  instead() {
    const row = looking.get();
    const before = this.#rows.shown;
    const at = before.indexOf(row);
    if (at < 0 || this.shown.includes(row)) return null;
    const there = new Set(this.shown);
    return before.slice(at).find((each) => there.has(each)) ?? before.slice(0, at).findLast((each) => there.has(each));
  }

  bar(rows) {
    const { text, state } = view.get();
    const made = space.get().kept;
    const states = { all: ["All", rows.length], made: ["Made", made], excluded: ["Excluded", rows.length - made] };
    return html`<div class="line matrixbar">
      <div class="withicon find">
        ${icon("search")}<input
          class="input"
          id="find"
          type="search"
          placeholder="Find in all dimensions"
          aria-label="Find in all dimensions"
          .value=${live(text)}
          @input=${(event) => see({ text: event.target.value })}
        />
      </div>
      <div class="segmented" role="group" aria-label="Show">
        ${Object.entries(states).map(
          ([key, [label, many]]) =>
            html`<button aria-pressed=${state === key} @click=${() => see({ state: key })}>
              ${label} <span class="count">${count(many)}</span>
            </button>`,
        )}
      </div>
      <span class="push line"
        ><button
          class="button quiet iconic"
          aria-label="Undo"
          title="Undo (Ctrl Z)"
          ?disabled=${!canUndo()}
          @click=${undo}
        >
          ${icon("undo-2")}
        </button>
        <button
          class="button quiet iconic"
          aria-label="Redo"
          title="Redo (Ctrl Shift Z)"
          ?disabled=${!canRedo()}
          @click=${redo}
        >
          ${icon("redo-2")}
        </button>
        <button class="button quiet" aria-pressed=${view.get().every} @click=${() => see({ every: !view.get().every })}>
          ${labelled("columns-2", "All dimensions")}
        </button>
        <button class="button quiet" aria-busy=${saving.get()} @click=${() => this.download()}>
          ${labelled("download", "CSV")}
        </button></span
      >
    </div>`;
  }

  /** What can be done with exactly what the filters show. */
  narrowedBar(shown) {
    if (!isNarrowed()) return nothing;
    const { text, state, facets: asked } = view.get();
    const open = shown.filter((row) => !row.why),
      closed = shown.filter((row) => row.why && row.why.kind !== "rule");
    const condition = Object.keys(asked).length && !text.trim() ? asked : null;
    return html`<div class="line narrowed" role="status">
      <b>${plural(shown.length, "combination")} shown</b>
      ${open.length ? html`<button class="button small" @click=${() => leaveOut(open)}>${labelled("ban", `Exclude all ${count(open.length)}`)}</button>` : nothing}
      ${closed.length ? html`<button class="button small" @click=${() => takeIn(closed)}>${labelled("undo-2", `Include all ${count(closed.length)}`)}</button>` : nothing}
      ${
        condition && state !== "excluded" && open.length
          ? html`<button
              class="button small"
              title="Also what later edits of the brief add"
              @click=${() => addRule(condition)}
            >
              Exclude as a rule: ${said(condition)}
            </button>`
          : nothing
      }
      <button class="button quiet small" @click=${clear}>${labelled("x", "Clear filters")}</button>
    </div>`;
  }

  bulkbar() {
    const rows = this.chosen();
    if (!rows.length) return nothing;
    const open = rows.filter((row) => !row.why).length,
      closed = rows.filter((row) => row.why && row.why.kind !== "rule").length;
    return html`<div class="bulkbar" role="toolbar" aria-label="Selected combinations">
      <b class="nowrap">${count(rows.length)} selected</b>
      ${open ? html`<button class="button small" @click=${() => leaveOut(rows)}>${labelled("ban", `Exclude ${count(open)}`)}</button>` : nothing}
      ${closed ? html`<button class="button small" @click=${() => takeIn(rows)}>${labelled("undo-2", `Include ${count(closed)}`)}</button>` : nothing}
      <button class="button small" aria-label="Clear the selection" @click=${() => this.select([])}>
        ${icon("x", "small")}
      </button>
    </div>`;
  }

  chosen() {
    return (space.get().rows ?? []).filter((row) => selected.get().has(row.id));
  }

  select(rows) {
    selected.set(new Set(rows.map((row) => row.id)));
  }

  selectAll(on = true) {
    this.select(on ? this.shown : []);
    announce(on ? `${plural(this.shown.length, "combination")} selected.` : "Nothing selected.");
  }

  toggle(row, on = !selected.get().has(row.id)) {
    const next = new Set(selected.get());
    on ? next.add(row.id) : next.delete(row.id);
    selected.set(next);
    this.anchor = row;
  }

  /** Select from where the selection began to here, among what is shown. */
  reach(row) {
    const places = [this.shown.indexOf(this.anchor ?? looking.get() ?? row), this.shown.indexOf(row)].sort(
      (one, other) => one - other,
    );
    if (places[0] < 0) return this.toggle(row, true);
    selected.set(new Set([...selected.get(), ...this.shown.slice(places[0], places[1] + 1).map((one) => one.id)]));
  }

  /** Look at the row so many places further; answers it. */
  go(by) {
    const at = this.shown.indexOf(looking.get());
    const row =
      this.shown[Math.max(0, Math.min(this.shown.length - 1, at < 0 ? (by > 0 ? 0 : this.shown.length - 1) : at + by))];
    if (!row) return null;
    looking.set(row);
    this.focusOn(row);
    return row;
  }

  focusOn(row) {
    const line = this.#rows.lineOf(row);
    line.focus({ preventScroll: true });
    line.scrollIntoView({ block: "nearest" });
  }

  /** Look at the line that somebody came to by Tab; the pointer has its own way, see `clicked`. */
  reached({ target }) {
    if (target.row && target.matches(":focus-visible")) looking.set(target.row);
  }

  /** Whether the keyboard is among the lines: elsewhere the arrows scroll the page. */
  isIn() {
    return Boolean(document.activeElement?.closest(".mbody"));
  }

  exclude() {
    const rows = this.chosen().length ? this.chosen() : [looking.get()].filter(Boolean);
    rows.some((row) => !row.why) ? leaveOut(rows) : takeIn(rows);
  }

  clicked(event) {
    const line = event.target.closest(".mrow");
    if (!line) return;
    const row = line.row;
    if (event.target.closest("button")) return row.why ? takeIn([row]) : leaveOut([row]);
    const box = event.target.closest(".pick");
    if (event.shiftKey) {
      getSelection().removeAllRanges();
      this.reach(row);
    } else if (box || event.ctrlKey || event.metaKey) this.toggle(row);
    else {
      looking.set(row);
      sheet.set(true);
      this.anchor = row;
    }
  }

  async download() {
    if (saving.get()) return;
    saving.set(true);
    const rows = isNarrowed() ? this.shown : space.get().rows;
    try {
      const promptOf = await allKnown(rows);
      save(
        new Blob([csv(rows, { cost: each(), promptOf })], { type: "text/csv" }),
        `${slug(form().brand) || "brief"}-matrix.csv`,
      );
    } catch (error) {
      complain(error);
    } finally {
      saving.set(false);
    }
  }
}
customElements.define("brief-matrix", BriefMatrix);

const nowhere = (title, text) =>
  html`<div class="card empty">
    <h2>${title}</h2>
    <p>${text}</p>
    <a class="button primary" href="/new">Edit the brief</a>
  </div>`;

const roomy = matchMedia("(min-width: 641px)").matches;

function facets(counts) {
  const varying = space.get().chosen.filter((one) => one.options.length > 1);
  if (!varying.length) return nothing;
  return html`<details class="facets" ?open=${roomy}>
    <summary class="small soft">${icon("filter", "small")}Filter by dimension</summary>
    <div class="facetrows">
      ${varying.map(
        ({ dimension, options }) =>
          html`<div class="facet" role="group" aria-label=${dimension.label}>
            <span class="small soft">${dimension.label}</span>
            <span class="chips"
              >${options.map((option) => {
                const on = view.get().facets[dimension.key]?.includes(option.key) ?? false;
                return html`<button
                  class="chip small"
                  aria-pressed=${on}
                  @click=${() => toggleFacet(dimension.key, option.key)}
                >
                  ${option.label}<span class="count">${count(counts.get(`${dimension.key}=${option.key}`) ?? 0)}</span>
                </button>`;
              })}</span
            >
          </div>`,
      )}
    </div>
  </details>`;
}

function ruleTags(rows) {
  if (!rules().length) return nothing;
  return html`<div class="line ruletags">
    <span class="small soft">Your rules</span>${rules().map(
      (rule) =>
        html`<span class="tag"
          >${said(rule)} · ${count(rows.filter((row) => holds(rule, row.values)).length)}
          <button class="textbutton" aria-label="Remove the rule ${said(rule)}" @click=${() => removeRule(rule)}>
            ${icon("x", "small")}
          </button></span
        >`,
    )}
  </div>`;
}

/** What every video has in common, so that it needs no column. */
function constants() {
  const fixed = space.get().chosen.filter((one) => one.options.length === 1 && one.options[0].key !== ANY);
  if (!fixed.length || view.get().every) return nothing;
  return html`<p class="small constants">
    <span class="soft">In every video:</span> ${fixed.map(
      ({ dimension, options }) =>
        html`<span class="tag"><span class="soft">${dimension.label}</span> ${options[0].label}</span> `,
    )}
  </p>`;
}

follow({ everyRow: true });
