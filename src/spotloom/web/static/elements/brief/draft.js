// The draft of a brief: kept in this browser as it is typed, until its order is accepted. Each tab has its own.
import { pageData } from "../../core/element.js";
import { computed, signal } from "../../vendor/lit.js";
import { choices, combinations, effective, factors, judge, product } from "./space.js";

export const data = pageData();
export const vocabulary = data.vocabulary;
const place = `spotloom.draft.${data.workspace}`;
const earlierPlace = `spotloom.draft.earlier.${data.workspace}`;
const USUAL_SECONDS = 10;
const TEXTS = [
  "brand",
  "bigIdea",
  "visualMessaging",
  "audioMessaging",
  "productCategory",
  "heroVoDescription",
  "callToAction",
  "landingUrl",
  "animationStyle",
];

export const modelOf = (form) => data.models.find((model) => model.model === form.model) ?? data.models[0];
export const isVoiced = (form) => (form.dimensions.audioStyle ?? []).some((option) => option.startsWith("vo-"));
export const isAnimated = (form) => (form.dimensions.aesthetic ?? []).some((option) => option.startsWith("animated-"));

/** A form in which every field is there and on offer, from one with gaps. */
export function completed(given = {}) {
  const model = modelOf(given);
  const ratios = Object.keys(model.sizes);
  const usual = model.durations.includes(USUAL_SECONDS) ? USUAL_SECONDS : model.durations[0];
  const known = (dimension) =>
    [given.dimensions?.[dimension.key] ?? []]
      .flat()
      .filter((key) => dimension.options.some((option) => option.key === key));
  return {
    ...Object.fromEntries(TEXTS.map((key) => [key, given[key] ?? ""])),
    dimensions: Object.fromEntries(vocabulary.dimensions.map((dimension) => [dimension.key, known(dimension)])),
    model: model.model,
    duration: model.durations.includes(given.duration) ? given.duration : usual,
    aspectRatio: ratios.includes(given.aspectRatio) ? given.aspectRatio : ratios.includes("9:16") ? "9:16" : ratios[0],
    loop: Boolean(given.loop) && model.loop,
    priority: given.priority ?? "normal",
    budget: given.budget ?? null,
    exclude: given.exclude ?? [],
  };
}

/** Whether anybody has put something into the form yet. */
export const isBlank = (form) =>
  !TEXTS.some((key) => form[key]) &&
  !Object.values(form.dimensions).some((options) => options.length) &&
  !form.exclude.length &&
  form.budget === null;

function stored(from = localStorage, name = place) {
  try {
    const kept = JSON.parse(from.getItem(name));
    return kept && kept.form ? { ...kept, id: kept.id ?? "", form: completed(kept.form) } : null;
  } catch {
    return null; // another program's, or half written: as good as none
  }
}

/** The draft of this tab; in a new tab the one that was written last, wherever that was. */
function kept() {
  const last = stored();
  const mine = stored(sessionStorage);
  return mine && mine.id !== last?.id ? mine : last;
}

const newId = () => crypto.randomUUID();
const fresh = () => ({ id: newId(), form: completed(), batchId: "", savedAt: null });
const found = kept();

/** The draft as it was when the page opened; null when there was none. */
export const restored = found && !isBlank(found.form) ? found : null;
const draft = signal(found ?? fresh());
const watchers = new Set();

/** Call back after every change of the form. */
export const onChange = (then) => watchers.add(then);
export const current = () => draft.get();
export const form = () => draft.get().form;

function put(next, { keep = true } = {}) {
  const same = next.form === draft.get().form;
  draft.set(next);
  store(next, { everywhere: keep });
  if (!same) for (const then of watchers) then();
}

/** Keep it for this tab, and `everywhere` as the one that was written last. */
function store(next, { everywhere }) {
  const value = isBlank(next.form) ? null : next;
  try {
    write(sessionStorage, place, value);
    if (everywhere) {
      const last = stored();
      if (last && last.id !== next.id && isWork(last)) keepEarlier(last);
      write(localStorage, place, value);
    }
    unsaved.set(false);
  } catch {
    unsaved.set(true);
  }
}

const write = (storage, name, value) =>
  value === null ? storage.removeItem(name) : storage.setItem(name, JSON.stringify(value));

/** Whether it would be a loss: not what only came from a template or a file and stayed as it was. */
const isWork = (one) => !one.asGiven && !isBlank(one.form);

/** The draft that stood here before another brief took its place; null for none. */
export const earlier = signal(stored(localStorage, earlierPlace));

function keepEarlier(one) {
  earlier.set(one);
  try {
    write(localStorage, earlierPlace, one);
  } catch {
    unsaved.set(true);
  }
}

/** Forget the earlier draft; answers how to have it again. */
export function dropEarlier() {
  const before = earlier.get();
  keepEarlier(null);
  return () => keepEarlier(before);
}

/** Put the earlier draft back, and keep the present one in its stead. */
export function bringBack() {
  const now = draft.get();
  const back = earlier.get();
  put(back);
  keepEarlier(isWork(now) ? now : null);
}

/** Whether the browser refuses to keep the draft: private windows and full disks do. */
export const unsaved = signal(false);
store(draft.get(), { everywhere: false });

export function change(patch) {
  const { form: before, asGiven: _, ...rest } = draft.get();
  put({ ...rest, form: completed({ ...before, ...patch }), savedAt: new Date().toISOString() });
}

/** Make a change that was offered; answers how to undo it and nothing else that was written since. */
export function changeBack(patch) {
  const before = form();
  change(patch);
  const after = form();
  const differs = (one, other) => JSON.stringify(one) !== JSON.stringify(other);
  const undone = (was, is) => Object.fromEntries(Object.entries(was).filter(([key]) => differs(was[key], is[key])));
  const { dimensions: _, ...fields } = undone(before, after);
  const dimensions = undone(before.dimensions, after.dimensions);
  return () => change({ ...fields, dimensions: { ...form().dimensions, ...dimensions } });
}

export const choose = (dimension, options) => change({ dimensions: { ...form().dimensions, [dimension]: options } });

/** Put another brief in the draft's place, which stays at hand as the earlier one; answers how to undo it. */
export function replace(next) {
  const before = draft.get();
  const wasEarlier = earlier.get();
  put({ id: newId(), asGiven: true, form: completed(next), batchId: "", savedAt: new Date().toISOString() });
  if (isWork(before)) keepEarlier(before);
  return () => {
    const replaced = draft.get();
    put(before);
    keepEarlier(isWork(replaced) ? replaced : wasEarlier);
  };
}

/** The id under which the batch is ordered; it stays in the draft, so that no order is made twice. */
export function nameBatch(batchId) {
  put({ ...draft.get(), batchId });
}

/** The order was accepted: the draft has done its work. */
export function forget() {
  sessionStorage.removeItem(place);
  if (stored()?.id === current().id) localStorage.removeItem(place);
}

// Another tab wrote: the same draft is followed, another one leaves what stands here alone.
addEventListener("storage", (event) => {
  if (event.key === earlierPlace) earlier.set(stored(localStorage, earlierPlace));
  const theirs = event.key === place ? stored() : null;
  if (theirs && (theirs.id === current().id || isBlank(form()))) put(theirs, { keep: false });
});

/** What the brief multiplies to; every part follows the draft at once. */
export const space = computed(() => {
  const chosen = chosenNow.get();
  const missing = chosen.filter((each) => !each.options.length).map((each) => each.dimension);
  const total = product(chosen);
  const rows = rowsNow.get();
  const kept = rows ? judge(rows, form().exclude, vocabulary.rules) : total;
  return { chosen, missing, total, factors: factors(chosen), rows, kept, exact: rows !== null };
});
const dimensionsNow = computed(() => JSON.stringify(form().dimensions));
const chosenNow = computed(() => choices({ dimensions: JSON.parse(dimensionsNow.get()) }, vocabulary));
const rowsNow = computed(() =>
  chosenNow.get().every((each) => each.options.length) ? combinations(chosenNow.get()) : [],
);

/** What one video costs, in US dollars: the rate as the server tells it; its plan has the last word. */
export const each = (wanted = form()) => Math.round(modelOf(wanted).perSecond * 1e4 * wanted.duration) / 1e4;

/** The form as the API takes it: without what is empty or has no effect. */
export function sendable(wanted = form()) {
  const { rows } = space.get();
  const sent = Object.fromEntries(TEXTS.filter((key) => wanted[key].trim()).map((key) => [key, wanted[key]]));
  if (!isVoiced(wanted)) delete sent.heroVoDescription;
  if (!isAnimated(wanted)) delete sent.animationStyle;
  const { model, duration, aspectRatio, loop, priority, budget } = wanted;
  const dimensions = Object.fromEntries(Object.entries(wanted.dimensions).filter(([, options]) => options.length));
  const exclude = rows ? effective(rows, wanted.exclude) : wanted.exclude;
  return {
    brand: "",
    bigIdea: "",
    ...sent,
    dimensions,
    model,
    duration,
    aspectRatio,
    loop,
    priority,
    ...(budget === null ? {} : { budget }),
    ...(exclude.length ? { exclude } : {}),
  };
}
