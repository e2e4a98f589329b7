// Changes of a video: one after the other, patiently, and never over what somebody else has said meanwhile.
import { api } from "../../core/api.js";

const MOST_TRIES = 5;
const chains = new Map(); // key → the last of its changes, after which the next is sent

/** Do it after all that was begun of this video before, whatever became of that. */
export function inTurn(key, deed) {
  const turn = (chains.get(key) ?? Promise.resolve()).then(deed);
  chains.set(
    key,
    turn.catch(() => {}),
  );
  return turn;
}

/** Resolves when all is over that was begun so far. */
export const allOver = () => Promise.all(chains.values());

/** A function that lets so many of its deeds run at a time. */
export function slots(many) {
  const waiting = [];
  let free = many;
  return async (deed) => {
    if (free) free--;
    else await new Promise((resolve) => waiting.push(resolve));
    try {
      return await deed();
    } finally {
      if (waiting.length) waiting.shift()();
      else free++;
    }
  };
}

const seconds = (many) => new Promise((resolve) => setTimeout(resolve, many * 1000));

/** Ask; where it is too fast, or the database is busy, ask again when the server says. */
export async function patiently(asking) {
  for (let busy = 0; ; ) {
    try {
      return await asking();
    } catch (error) {
      if (error.status !== 429 && (error.status !== 503 || ++busy > MOST_TRIES)) throw error;
      await seconds(error.retryAfterS ?? 1);
    }
  }
}

/** Whether both say the same in these fields; nothing and null are one. */
export const same = (left, right, names) => names.every((each) => (left[each] ?? null) === (right[each] ?? null));

/**
 * The video as the server has it once these fields are changed. Were they no longer as `before`, since somebody has
 * said otherwise, that stands, and what comes back is what `otherwise(theirs, error)` makes of it.
 */
export async function changed(path, changes, { before, version, otherwise, send = api.patch }) {
  const names = Object.keys(changes);
  for (let tries = 1; ; tries++) {
    try {
      return await patiently(() => send(path, changes, { version }));
    } catch (error) {
      if (error.status !== 412 || tries > MOST_TRIES) throw error;
      const theirs = await patiently(() => api.get(path));
      if (same(theirs, changes, names)) return theirs; // somebody has wished the same
      if (!same(theirs, before, names)) return otherwise(theirs, error);
      version = theirs.version; // they said something else of it: both stand
    }
  }
}
