// Which rows of the matrix are shown, and in which order; all of it stands in the address.
import { signal } from "../../vendor/lit.js";
import { vocabulary } from "./draft.js";

const STATES = new Set(["all", "made", "excluded"]);
const QUIET_MS = 250;

/** `{text, state, facets: {dimension: [options]}, sort: {key, down}, every}`; every: all dimensions as columns. */
export const view = signal(fromAddress());
let timer = 0;

function fromAddress() {
  const asked = new URLSearchParams(location.search);
  const facets = {};
  for (const dimension of vocabulary.dimensions) {
    const options = (asked.get(dimension.key) ?? "")
      .split(",")
      .filter((key) => dimension.options.some((option) => option.key === key));
    if (options.length) facets[dimension.key] = options;
  }
  const [, down, key] = /^(-?)(\w*)$/.exec(asked.get("sort") ?? "") ?? [null, "", ""];
  return {
    text: asked.get("q") ?? "",
    state: STATES.has(asked.get("state")) ? asked.get("state") : "all",
    facets,
    sort: { key, down: down === "-" },
    every: asked.has("columns"),
  };
}

function toAddress() {
  const { text, state, facets, sort, every } = view.get();
  const said = new URLSearchParams();
  if (text) said.set("q", text);
  if (state !== "all") said.set("state", state);
  for (const [key, options] of Object.entries(facets)) said.set(key, options.join(","));
  if (sort.key) said.set("sort", `${sort.down ? "-" : ""}${sort.key}`);
  if (every) said.set("columns", "all");
  history.replaceState(history.state, "", `${location.pathname}${said.size ? `?${said}` : ""}`);
}

export function see(patch) {
  view.set({ ...view.get(), ...patch });
  clearTimeout(timer);
  timer = setTimeout(toAddress, QUIET_MS);
}

export function toggleFacet(dimension, option) {
  const chosen = view.get().facets[dimension] ?? [];
  const next = chosen.includes(option) ? chosen.filter((key) => key !== option) : [...chosen, option];
  const { [dimension]: _, ...others } = view.get().facets;
  see({ facets: next.length ? { ...others, [dimension]: next } : others });
}

/** Up, down, and then the order of the matrix again. */
export function sortBy(key) {
  const { sort } = view.get();
  see({ sort: sort.key !== key ? { key, down: false } : sort.down ? { key: "", down: false } : { key, down: true } });
}

export const isNarrowed = () =>
  Boolean(view.get().text.trim() || view.get().state !== "all" || Object.keys(view.get().facets).length);
export const clear = () => see({ text: "", state: "all", facets: {} });

const inState = (row, state) => state === "all" || (state === "made") === !row.why;

/** The rows that are shown, sorted, and how many each option would show beside the other filters. */
export function narrowed(rows, textOf) {
  const { text, state, facets, sort } = view.get();
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const asked = Object.entries(facets);
  const counts = new Map();
  const shown = [];
  for (const row of rows) {
    if (!inState(row, state) || (words.length && !words.every((word) => textOf(row).includes(word)))) continue;
    const missed = asked.filter(([key, options]) => !options.includes(row.values[key]));
    if (!missed.length) shown.push(row);
    if (missed.length > 1) continue;
    for (const [key, option] of Object.entries(row.values)) {
      if (missed.length && missed[0][0] !== key) continue;
      const name = `${key}=${option}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return { shown: sorted(shown, sort), counts };
}

function sorted(rows, { key, down }) {
  if (!key || key === "cost") return down ? [...rows].reverse() : rows;
  const places = new Map(
    vocabulary.dimensions
      .find((dimension) => dimension.key === key)
      ?.options.map((option, place) => [option.key, place]) ?? [],
  );
  const worth = key === "why" ? (row) => (row.why ? 1 : 0) : (row) => places.get(row.values[key]) ?? 0;
  return [...rows].sort(
    (one, other) => (down ? worth(other) - worth(one) : worth(one) - worth(other)) || one.at - other.at,
  );
}
