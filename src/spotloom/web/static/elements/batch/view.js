// What is looked at: view, filters, order and the open video live in the address; who is selected does not.
import { GROUPS } from "../../core/format.js";
import { signal } from "../../vendor/lit.js";
import { byKey, onFrame, page, varying, videos } from "./store.js";

const PLACE = new Map(varying.map((each) => [each.key, each]));
const STATES = Object.values(GROUPS).flat();
export const SORTS = {
  position: { label: "Number", of: (video) => video.position },
  status: { label: "Status", live: true, of: (video) => STATES.indexOf(video.now.status) },
  cost: { label: "Cost", live: true, of: (video) => (page.free ? null : video.now.actual) ?? video.cost },
  attempt: { label: "Attempts", live: true, of: (video) => video.now.attempt },
  review: {
    label: "Review",
    live: true,
    of: (video) => (video.now.winner ? 0 : ["approved", "none", "rejected"].indexOf(video.now.review) + 1),
  },
  ...Object.fromEntries(
    varying.map((each) => [each.key, { label: each.label, of: (video) => each.options[video.places[each.place]][1] }]),
  ),
};

function read() {
  const query = new URLSearchParams(location.search);
  const options = {};
  for (const written of query.getAll("option")) {
    const [key, option] = written.split(":");
    const place = PLACE.get(key)?.options.findIndex(([name]) => name === option) ?? -1;
    if (place >= 0) (options[key] ??= new Set()).add(place);
  }
  return {
    layout: query.get("view") === "grid" ? "grid" : "rows",
    group: Object.hasOwn(GROUPS, query.get("status")) ? query.get("status") : "",
    review: ["none", "approved", "rejected"].includes(query.get("review")) ? query.get("review") : "",
    text: query.get("q") ?? "",
    sort: Object.hasOwn(SORTS, query.get("sort")) ? query.get("sort") : "position",
    descending: query.get("order") === "desc",
    video: byKey.has(query.get("video")) ? query.get("video") : "",
    options,
  };
}

function write({ layout, group, review, text, sort, descending, video, options }) {
  const query = new URLSearchParams();
  if (layout === "grid") query.set("view", layout);
  if (group) query.set("status", group);
  if (review) query.set("review", review);
  if (text.trim()) query.set("q", text.trim());
  for (const [key, places] of Object.entries(options))
    for (const place of places) query.append("option", `${key}:${PLACE.get(key).options[place][0]}`);
  if (sort !== "position") query.set("sort", sort);
  if (descending) query.set("order", "desc");
  if (video) query.set("video", video);
  return location.pathname + (query.size ? `?${query}` : "");
}

export const view = signal(read());
export const shown = signal([]);
export const stale = signal(0); // changed since the list was made: they would stand elsewhere now
export const selection = signal(new Set());
let places = new Map(); // video → what it was sorted by
let moved = new Set();

function fits(video, { group, review, text, options }) {
  const now = video.now;
  if (group && !GROUPS[group].includes(now.status)) return false;
  if (review && now.review !== review) return false;
  if (
    text &&
    !text
      .trim()
      .toLowerCase()
      .split(/\s+/)
      .every((word) => video.text.includes(word))
  )
    return false;
  return Object.entries(options).every(([key, wanted]) => wanted.has(video.places[PLACE.get(key).place]));
}

/** Make the list anew from what is known now. */
export function refresh() {
  const wanted = view.get();
  const { of } = SORTS[wanted.sort];
  const found = videos.filter((video) => fits(video, wanted));
  places = new Map(found.map((video) => [video, of(video)]));
  const turn = wanted.descending ? -1 : 1;
  found.sort((a, b) => {
    const [x, y] = [places.get(a), places.get(b)];
    return turn * (x < y ? -1 : x > y ? 1 : a.position - b.position);
  });
  moved = new Set();
  stale.set(0);
  shown.set(found);
}

/** Look at something else; `replace` leaves no step for the back button. */
export function go(change, { replace = false } = {}) {
  const before = view.get();
  const next = { ...before, ...change };
  const address = write(next);
  if (address !== location.pathname + location.search)
    history[replace ? "replaceState" : "pushState"](null, "", address);
  view.set(next);
  if (["group", "review", "text", "sort", "descending", "options"].some((name) => name in change)) refresh();
}

addEventListener("popstate", () => {
  view.set(read());
  refresh();
});

// A change moves no row by itself: the list says that it is out of date, and waits to be asked.
onFrame((changed) => {
  const wanted = view.get();
  if (!wanted.group && !wanted.review && !SORTS[wanted.sort].live) return;
  for (const video of changed) {
    const here = places.has(video);
    const out = fits(video, wanted) !== here || (here && SORTS[wanted.sort].of(video) !== places.get(video));
    moved[out ? "add" : "delete"](video);
  }
  stale.set(moved.size);
});

export function select(keys, on = true) {
  const next = new Set(selection.get());
  for (const key of keys) next[on ? "add" : "delete"](key);
  selection.set(next);
}
export const clearSelection = () => selection.set(new Set());
export const selected = () => videos.filter((video) => selection.get().has(video.key));
export const filtered = () => {
  const { group, review, text, options } = view.get();
  return Boolean(group || review || text.trim() || Object.keys(options).length);
};
export const everything = { group: "", review: "", text: "", options: {} };
refresh();
