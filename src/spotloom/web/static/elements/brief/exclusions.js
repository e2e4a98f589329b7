// Leaves combinations out and takes them in again, with undo and redo.
import { plural } from "../../core/format.js";
import { announce, toast } from "../../core/toast.js";
import { signal } from "../../vendor/lit.js";
import { change, form, space, vocabulary } from "./draft.js";
import { holds } from "./space.js";

const past = signal([]);
const future = signal([]);

export const canUndo = () => past.get().length > 0;
export const canRedo = () => future.get().length > 0;

let unsay = () => {}; // an older toast's undo would undo something else

function put(exclude, words) {
  past.set([...past.get(), form().exclude]);
  future.set([]);
  change({ exclude });
  unsay();
  unsay = toast(words, { action: { label: "Undo", run: undo } });
}

function step(from, to, word) {
  if (!from.get().length) return;
  unsay();
  to.set([...to.get(), form().exclude]);
  change({ exclude: from.get().at(-1) });
  from.set(from.get().slice(0, -1));
  announce(`${word}. ${plural(space.get().kept, "video")} left.`);
}

export const undo = () => step(past, future, "Undone");
export const redo = () => step(future, past, "Done again");

/** Leave these combinations out, one by one. */
export function leaveOut(rows) {
  const more = rows.filter((row) => !row.why).map((row) => row.id);
  if (more.length) put([...form().exclude, ...more], `${plural(more.length, "video")} excluded.`);
}

/** Take these combinations in again; a rule of one's own that holds for one becomes single exclusions of its others. */
export function takeIn(rows) {
  const wanted = new Set(rows.filter((row) => row.why && row.why.kind !== "rule"));
  if (!wanted.size)
    return rows.some((row) => row.why) && toast("The vocabulary's rules leave these out; they cannot be made.");
  const opened = form().exclude.filter(
    (entry) => typeof entry !== "string" && [...wanted].some((row) => holds(entry, row.values)),
  );
  const others = space
    .get()
    .rows.filter(
      (row) => !wanted.has(row) && row.why?.kind === "condition" && opened.some((entry) => holds(entry, row.values)),
    );
  const ids = new Set([...wanted].map((row) => row.id));
  const kept = form().exclude.filter((entry) => !ids.has(entry) && !opened.includes(entry));
  const became = opened.length ? ` Your rule became ${plural(others.length, "single exclusion")}.` : "";
  put([...new Set([...kept, ...others.map((row) => row.id)])], `${plural(wanted.size, "video")} included.${became}`);
}

/** Leave out whatever has these values, now and after later edits of the brief. */
export function addRule(condition) {
  const same = JSON.stringify(condition);
  if (form().exclude.some((entry) => JSON.stringify(entry) === same)) return toast("There is such a rule already.");
  put([...form().exclude, condition], `Rule added: ${said(condition)}.`);
}

export function removeRule(condition) {
  put(
    form().exclude.filter((entry) => entry !== condition),
    `Rule removed: ${said(condition)}.`,
  );
}

/** Take everything in again that was left out by hand or by rule. */
export const includeAll = () => put([], "The exclusions are removed.");

export const rules = () => form().exclude.filter((entry) => typeof entry !== "string");

/** `Mood is Unhinged or Intense and Type is Skit`. */
export function said(condition) {
  return Object.entries(condition)
    .map(([key, options]) => {
      const dimension = vocabulary.dimensions.find((one) => one.key === key);
      const labels = [options]
        .flat()
        .map((option) => dimension?.options.find((one) => one.key === option)?.label ?? option);
      return `${dimension?.label ?? key} is ${labels.join(" or ")}`;
    })
    .join(" and ");
}
