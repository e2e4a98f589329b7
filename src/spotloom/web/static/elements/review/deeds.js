// What people do to the videos they look at, with a word on it and a way back.
import { may } from "../../core/element.js";
import { ago, plural } from "../../core/format.js";
import { announce, complain, toast } from "../../core/toast.js";
import * as store from "./store.js";
import * as view from "./view.js";

export const mayDecide = may("editor");

let drop = null; // takes the last toast away: one decision at a time is told

function tell(text, { undoable = true } = {}) {
  drop?.();
  drop = toast(text, undoable ? { action: { label: "Undo", run: undo } } : {});
}

/** The videos that a key is for: those that are selected on the sheet, else the one that is looked at; none once all are gone. */
export function meant() {
  if (store.gone.get()) return [];
  if (view.mode.get() === "sheet" && view.selected.get().size)
    return view.queue.get().filter((key) => view.selected.get().has(key));
  const key = view.aimed();
  return key ? [key] : [];
}

const WORDS = { approved: "Approved", rejected: "Rejected", none: "Decision cleared" };

/** Decide, and look at the next one. */
export function decide(review, { reason = null, keys = meant() } = {}) {
  const changed = keys.filter((key) => {
    const each = store.video(key);
    return each.review !== review || (each.rejectReason ?? null) !== reason;
  });
  if (!changed.length) {
    if (keys.length) tell(`Already ${review === "none" ? "without a review" : review}.`, { undoable: false });
    return;
  }
  const because = reason ? `: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}` : "";
  const words = `${WORDS[review]}${because}${changed.length > 1 ? ` · ${plural(changed.length, "video")}` : ""}.`;
  submit(changed, { review, rejectReason: reason }, words);
  changed.forEach(store.settle);
  if (view.mode.get() === "sheet") view.selected.set(new Set());
  else if (view.mode.get() === "one" && review !== "none") onward(changed[0]);
}

export function crown(keys = meant()) {
  if (!keys.length) return;
  const winner = !keys.every((key) => store.video(key).winner);
  const many = keys.length > 1 ? ` · ${plural(keys.length, "video")}` : "";
  submit(keys, { winner }, `${winner ? "Marked as a winner" : "No longer a winner"}${many}.`);
}

/** Keep a note; it is saved by itself and says so in its own place, not in a toast. */
export function note(key, text) {
  const notes = text.trim() || null;
  if (notes === (store.video(key).notes ?? null)) return Promise.resolve();
  return store.say([key], { notes }).then(() => told(key));
}

function submit(keys, changes, words) {
  tell(words);
  store
    .say(keys, changes, { entry: { words, at: keys[0] } })
    .then(() => keys.forEach(told))
    .catch((error) => {
      drop?.();
      complain(error);
    });
}

/** The next one; at the end the first that is left without a review, if there is any. */
function onward(key) {
  const next = view.after(key) ?? view.queue.get().find((each) => store.video(each).review === "none");
  if (next) move(next);
}

export function move(key) {
  if (!view.go(key)) return;
  announce(`${view.queue.get().indexOf(key) + 1} of ${view.queue.get().length}: ${store.name(key)}`);
}

export async function undo() {
  if (store.gone.get()) return;
  drop?.();
  try {
    const undone = await store.undo();
    if (!undone) {
      tell("Nothing to undo.", { undoable: false });
      return;
    }
    const { entry, since, stored } = undone;
    if (view.mode.get() !== "sheet" && view.queue.get().includes(entry.at)) view.go(entry.at);
    const others = since ? ` ${plural(since, "video was", "videos were")} decided otherwise since: that stands.` : "";
    const undid = since < entry.before.size ? `Undone: ${entry.words.charAt(0).toLowerCase()}${entry.words.slice(1)}` : "";
    tell(`${undid}${others}`.trim(), { undoable: false });
    await stored;
  } catch (error) {
    complain(error);
  }
}

/** Say it where somebody else was quicker and the video is not looked at any more. */
function told(key) {
  const conflict = store.conflicts.get().get(key);
  if (!conflict || view.aimed() === key) return;
  drop?.();
  toast(`${quicker(conflict)} ${store.name(key)}: yours was not saved.`, {
    kind: "bad",
    seconds: 15,
    action: {
      label: "Look",
      run: () => {
        view.look("one");
        view.go(key);
      },
    },
  });
}

/** "Ann approved it just now." */
export function quicker({ theirs, wish }) {
  if (!("review" in wish))
    return "winner" in wish ? "Somebody changed the winner mark just now." : "Somebody changed the notes just now.";
  if (theirs.review === "none") return "Somebody took the review back just now.";
  const reason = theirs.rejectReason ? ` (${theirs.rejectReason})` : "";
  const time = ago(theirs.reviewedAt);
  return `${store.who(theirs.reviewedBy)} ${theirs.review} it${reason} ${time === "just now" ? "a moment ago" : time}.`;
}

/** Say the same once more, knowing what the other one said. */
export function insist(key) {
  const { wish } = store.conflicts.get().get(key);
  store.settle(key);
  submit([key], wish, "Saved yours.");
}
