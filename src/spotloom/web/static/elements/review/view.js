// What is looked at, and how: the filter, the video, one or two or all of them; all of it in the address.
import { signal } from "../../vendor/lit.js";
import { differing, dimensions, label, video, videos } from "./store.js";

export const SHOWS = {
  all: "All",
  unreviewed: "Unreviewed",
  approved: "Approved",
  rejected: "Rejected",
  winners: "Winners",
};
export const MODES = { one: "Single", two: "Compare", sheet: "Grid" };

export const mode = signal("one");
export const show = signal("all");
export const chosen = signal(new Map()); // dimension → set of options; without an entry all of them
export const current = signal(null); // the video's key, or null where none is left
export const other = signal(null); // the second one, where two are compared
export const active = signal(0); // which of the two
/** The keys that are gone through. Decisions do not move them: they leave with the next filter. */
export const queue = signal([]);
export const selected = signal(new Set());

const FITS = {
  all: () => true,
  unreviewed: (each) => each.review === "none",
  approved: (each) => each.review === "approved",
  rejected: (each) => each.review === "rejected",
  winners: (each) => each.winner,
};
const inChosen = (each) => [...chosen.get()].every(([key, options]) => options.has(each.values[key]));
export const fits = (each) => FITS[show.get()](each) && inChosen(each);
/** How many videos each word of the filter would leave, beside the chosen options. */
export const left = (word) => videos.get().filter((each) => FITS[word](each) && inChosen(each)).length;
export const withOption = (key, option) => videos.get().filter((each) => each.values[key] === option).length;

export const place = () => queue.get().indexOf(current.get());
export const after = (key, step = 1) => queue.get()[queue.get().indexOf(key) + step] ?? null;

/** Go through what the filter leaves, from the video that is looked at if it is among them. */
export function again({ from = current.get() } = {}) {
  const keys = videos
    .get()
    .filter(fits)
    .map((each) => each.combinationId);
  queue.set(keys);
  selected.set(new Set([...selected.get()].filter((key) => keys.includes(key))));
  const first = keys.find((key) => video(key).review === "none") ?? keys[0] ?? null;
  current.set(keys.includes(from) ? from : first);
  if (!keys.includes(other.get())) other.set(null);
}

/** Videos that were finished meanwhile join at the end, where nothing moves for them. */
export function welcome() {
  const known = new Set(queue.get());
  const fresh = videos.get().filter((each) => !known.has(each.combinationId) && fits(each) && each.review === "none");
  if (!fresh.length) return;
  queue.set([...queue.get(), ...fresh.map((each) => each.combinationId)]);
  if (current.get() === null) current.set(fresh[0].combinationId);
}

export function read() {
  const asked = new URLSearchParams(location.search);
  mode.set(Object.hasOwn(MODES, asked.get("view")) ? asked.get("view") : "one");
  show.set(Object.hasOwn(SHOWS, asked.get("show")) ? asked.get("show") : "all");
  const options = new Map();
  for (const key of differing.get()) {
    const wanted = (asked.get(key) ?? "").split(",").filter((option) => dimensions.get().get(key).includes(option));
    if (wanted.length) options.set(key, new Set(wanted));
  }
  chosen.set(options);
  other.set(video(asked.get("with")) ? asked.get("with") : null);
  again({ from: asked.get("video") });
  if (mode.get() === "two") pair();
}

/** Keep the address true; a new way of looking is a step that Back takes back. */
export function write({ step = false } = {}) {
  const told = new URLSearchParams();
  if (mode.get() !== "one") told.set("view", mode.get());
  if (show.get() !== "all") told.set("show", show.get());
  for (const [key, options] of chosen.get()) told.set(key, [...options].join(","));
  if (current.get()) told.set("video", current.get());
  if (mode.get() === "two" && other.get()) told.set("with", other.get());
  const address = `${location.pathname}${told.size ? `?${told.toString().replaceAll("%2C", ",")}` : ""}`;
  if (address === location.pathname + location.search) return;
  history[step ? "pushState" : "replaceState"](null, "", address);
}

export function look(how) {
  if (how === mode.get()) return;
  mode.set(how);
  if (how === "two") pair();
  write({ step: true });
}

/** Two to compare: those that are selected, or this one and the next. */
export function pair() {
  const two = [...selected.get()];
  if (two.length === 2) {
    current.set(two[0]);
    other.set(two[1]);
  } else if (other.get() === null || other.get() === current.get()) {
    other.set(after(current.get()) ?? after(current.get(), -1));
  }
  active.set(0);
}

/** The video that a decision is for. */
export const aimed = () => (mode.get() === "two" && active.get() === 1 ? other.get() : current.get());

/** Look at that video, in the place that is active. */
export function go(key) {
  if (!key) return false;
  (mode.get() === "two" && active.get() === 1 ? other : current).set(key);
  write();
  return true;
}

export function filter(word) {
  show.set(word);
  again();
  write({ step: true });
}

export function choose(key, option) {
  const options = new Map(chosen.get());
  const set = new Set(options.get(key));
  if (!set.delete(option)) set.add(option);
  if (set.size) options.set(key, set);
  else options.delete(key);
  chosen.set(options);
  again();
  write();
}

export function clear() {
  show.set("all");
  chosen.set(new Map());
  again();
  write({ step: true });
}

export const filtered = () => show.get() !== "all" || chosen.get().size > 0;
export const chosenWords = () =>
  [...chosen.get()].map(([key, options]) => ({
    key,
    options,
    words: [...options].map((option) => label(key, option)).join(", "),
  }));
