// The videos under review: what is said of each, decisions at once on the page and then at the server, and their undoing.
import { api, each as eachOf } from "../../core/api.js";
import { pageData } from "../../core/element.js";
import { BatchLine } from "../../core/live.js";
import { computed, signal } from "../../vendor/lit.js";
import { allOver, changed, inTurn, same, slots } from "../parts/changes.js";

const data = pageData();
const base = `/api/campaigns/${encodeURIComponent(data.batchId)}/combinations`;
const MOST_ALONE = 12; // more than these are asked for as a list
const SOON_MS = 500;
const LATEST_MS = 15_000;
const AT_ONCE = 6; // decisions under way at a time, when there are many

const byKey = new Map(data.videos.map((each) => [each.combinationId, each]));
const pending = new Map(); // key → changes that the server has not confirmed, oldest first
const prompts = new Map();

/** All finished videos, in the order of the matrix; newcomers stand at the end. */
export const videos = signal([...byKey.values()]);
export const conflicts = signal(new Map()); // key → {theirs, wish}
export const done = signal([]); // what can be undone, the last at the end
export const gone = signal(false); // the campaign was deleted
export const total = data.total;
export const batch = data.batchId;

export const video = (key) => byKey.get(key);
export const counts = computed(() => {
  const found = { all: 0, unreviewed: 0, approved: 0, rejected: 0, winners: 0 };
  for (const each of videos.get()) {
    found.all++;
    found[each.review === "none" ? "unreviewed" : each.review]++;
    if (each.winner) found.winners++;
  }
  return { ...found, reviewed: found.approved + found.rejected };
});

const known = new Map(data.labels.map(({ key, label: word, options }) => [key, { word, options: new Map(options) }]));
/** What people call a dimension, or an option of it; its key where the vocabulary has lost it. */
export const label = (dimension, option) =>
  (option === undefined ? known.get(dimension)?.word : known.get(dimension)?.options.get(option)) ??
  option ??
  dimension;

/** Of each dimension the options that these videos have, in the order of the table. */
export const dimensions = computed(() => {
  const found = new Map([...known.keys()].map((key) => [key, new Set()]));
  for (const { values } of videos.get())
    for (const [key, option] of Object.entries(values))
      (found.get(key) ?? found.set(key, new Set()).get(key)).add(option);
  return new Map(
    [...found].filter(([, options]) => options.size).map(([key, options]) => [key, inOrder(key, options)]),
  );
});
const inOrder = (key, options) => {
  const all = [...(known.get(key)?.options.keys() ?? [])];
  return [...options].sort((a, b) => all.indexOf(a) - all.indexOf(b));
};

/** The dimensions in which these videos differ. */
export const differing = computed(() =>
  [...dimensions.get()].filter(([, options]) => options.length > 1).map(([key]) => key),
);

/** What people call a video: the choices that others do not share; `short` begins with what neighbours differ in. */
export function name(key, { short = false } = {}) {
  const values = byKey.get(key)?.values ?? {};
  const words = (short ? differing.get().toReversed() : differing.get())
    .filter((each) => values[each])
    .map((each) => label(each, values[each]));
  return words.length ? words.join("\u00a0· ") : "The only video";
}

/** Who did it, as its own words: "You", a name, or what it was. */
export function who(actor) {
  if (actor === data.me) return "You";
  if (actor?.startsWith("key:")) return "A program with a key";
  return data.people[actor] ?? "Somebody";
}

function put(key, changes) {
  const after = { ...byKey.get(key), ...changes };
  byKey.set(key, after);
  videos.set(videos.get().map((each) => (each.combinationId === key ? after : each)));
}

/** Take what the server says of a video; wishes that are still on their way stay visible. */
function take(fresh) {
  const {
    combinationId: key,
    values,
    review,
    rejectReason,
    reviewedBy,
    reviewedAt,
    winner,
    notes,
    version,
    files,
    prompt,
  } = fresh;
  prompts.set(key, prompt);
  const told = {
    combinationId: key,
    values,
    review,
    rejectReason,
    reviewedBy,
    reviewedAt,
    winner,
    notes,
    version,
    files,
  };
  if (!byKey.has(key)) {
    byKey.set(key, told);
    videos.set([...videos.get(), told]);
    return;
  }
  if (version < byKey.get(key).version) return;
  if (version >= owed.get(key)) owed.delete(key);
  put(key, Object.assign(told, ...(pending.get(key) ?? [])));
}

const pick = (from, names) => Object.fromEntries(names.map((each) => [each, from[each]]));

/** Say something of these videos; `entry` is put among what can be undone. Resolves when all are stored, or rejects. */
export async function say(keys, changes, { entry = null } = {}) {
  const names = Object.keys(changes);
  const before = new Map(keys.map((key) => [key, pick(byKey.get(key), names)]));
  if (entry) done.set([...done.get(), { ...entry, before, after: changes }]);
  const mark = "review" in changes ? { reviewedBy: data.me, reviewedAt: new Date().toISOString() } : {};
  const wishes = keys.map((key) => {
    pending.set(key, [...(pending.get(key) ?? []), changes]);
    const wish = { key, changes, before: before.get(key), mark: pick(byKey.get(key), Object.keys(mark)) };
    put(key, { ...changes, ...mark });
    return wish;
  });
  const errors = [];
  const inSlot = slots(AT_ONCE);
  const sent = wishes.map((wish) => inTurn(wish.key, () => inSlot(() => send(wish))));
  await Promise.all(sent.map((each) => each.catch((error) => errors.push(error))));
  if (errors.length) throw errors[0];
}

/** Whether something that was said is not stored yet. */
export const underWay = () => [...pending.values()].some((changes) => changes.length);

/** Resolves when nothing is under way any more, stored or not. */
export async function settled() {
  while (underWay()) await allOver();
}

async function send({ key, changes, before, mark }) {
  let fresh = null;
  try {
    fresh = await stored(key, changes, before);
  } catch (error) {
    forget(key, changes);
    put(key, { ...before, ...mark });
    throw error;
  } finally {
    pending.set(
      key,
      pending.get(key).filter((each) => each !== changes),
    );
    if (fresh) take(fresh);
  }
}

/** The video as the server has it afterwards; where somebody has said otherwise meanwhile, that stands. */
const stored = (key, changes, before) =>
  changed(`${base}/${key}`, changes, {
    before,
    version: byKey.get(key).version,
    otherwise: (theirs) => {
      conflicts.set(new Map(conflicts.get()).set(key, { theirs, wish: changes }));
      forget(key, changes);
      return theirs;
    },
  });

/** What was not stored cannot be undone. */
function forget(key, changes) {
  for (const each of done.get()) if (each.after === changes) each.before.delete(key);
  done.set(done.get().filter((each) => each.before.size));
}

/** Take the last decision back where it still stands: `{entry, since, stored}`, `since` being what was decided otherwise; or null. */
export async function undo() {
  const entry = done.get().at(-1);
  if (!entry) return null;
  done.set(done.get().slice(0, -1));
  const names = Object.keys(entry.after);
  const standing = [...entry.before].filter(([key]) => same(byKey.get(key), entry.after, names));
  const groups = Map.groupBy(standing, ([, before]) => JSON.stringify(before));
  const waiting = [...groups.values()].map((pairs) =>
    say(
      pairs.map(([key]) => key),
      pairs[0][1],
    ),
  );
  return { entry, since: entry.before.size - standing.length, stored: Promise.all(waiting) };
}

export function settle(key) {
  const left = new Map(conflicts.get());
  left.delete(key);
  conflicts.set(left);
}

/** The whole prompt that the provider was asked for. */
export async function prompt(key) {
  if (!prompts.has(key)) take(await api.get(`${base}/${key}`));
  return prompts.get(key);
}

const owed = new Map(); // key → the version that an event told of, until the video is read that new

/** Follow what others say, and videos that are finished meanwhile; `heard` is told of each that was seen to change. */
export function follow(heard) {
  let wait = SOON_MS;
  let timer = 0;
  let reading = false;
  const seen = (fresh) => {
    const key = fresh.combinationId;
    const known = byKey.get(key);
    if (pending.get(key)?.length) return;
    if (fresh.version >= owed.get(key)) owed.delete(key);
    if (!fresh.files.video) return;
    take(fresh);
    if (known && known.review !== fresh.review) heard(key);
  };
  const read = async (keys) => {
    if (keys.length <= MOST_ALONE) for (const key of keys) seen(await api.get(`${base}/${key}`));
    else {
      const left = new Set(keys);
      for await (const fresh of eachOf(`${base}?status=completed&limit=200`)) {
        left.delete(fresh.combinationId);
        seen(fresh);
      }
      for (const key of left) owed.delete(key); // it has no film any more
    }
  };
  // What could not be read, or was changed here at the time, is read later: its event does not come again.
  const refresh = async () => {
    if (reading) return;
    clearTimeout(timer);
    reading = true;
    const keys = [...owed.keys()].filter((key) => !pending.get(key)?.length);
    try {
      await read(keys);
      wait = SOON_MS;
    } catch (error) {
      console.info("review: not refreshed yet:", error.message);
      wait = Math.min(LATEST_MS, 2 * wait);
    }
    reading = false;
    if (owed.size && !gone.get()) timer = setTimeout(refresh, wait);
  };
  const isNews = (told) => {
    const known = byKey.get(told.combinationId);
    return known ? told.version > known.version : told.status === "completed" && Boolean(told.files?.video);
  };
  const news = (told) => {
    for (const each of told.videos.filter(isNews)) owed.set(each.combinationId, each.version);
    if (owed.size) refresh();
  };
  return new BatchLine(batch, { since: data.since, on: { snapshot: news, delta: news, gone: () => gone.set(true) } });
}
