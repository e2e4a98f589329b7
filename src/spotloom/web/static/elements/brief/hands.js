// The matrix by keyboard.
import { keys, offer, typing } from "../../core/keys.js";
import { redo, undo } from "./exclusions.js";
import { clear } from "./filters.js";
import { copy, looking, sheet } from "./prompt.js";

export function bindKeys(matrix) {
  const next = { does: "Next row", run: () => matrix.go(1) },
    before = { does: "Row before", run: () => matrix.go(-1) };
  const reach = (by) => () => {
    if (matrix.chosen().length === 0 && looking.get()) matrix.toggle(looking.get(), true);
    const row = matrix.go(by);
    if (row) matrix.reach(row);
  };
  keys({
    j: next,
    k: before,
    ArrowDown: { run: next.run, when: () => matrix.isIn() },
    ArrowUp: { run: before.run, when: () => matrix.isIn() },
    x: { does: "Select the row, or not", run: () => looking.get() && matrix.toggle(looking.get()) },
    "Shift+ArrowDown": { does: "Select downwards", run: reach(1), when: () => matrix.isIn() },
    "Shift+ArrowUp": { does: "Select upwards", run: reach(-1), when: () => matrix.isIn() },
    e: { does: "Exclude, or include again", run: () => matrix.exclude() },
    Enter: { does: "Read the prompt", run: () => looking.get() && sheet.set(true) },
    c: { does: "Copy the prompt", run: () => looking.get() && copy(looking.get()) },
    "/": { does: "Find", run: () => document.getElementById("find")?.focus() },
    g: { does: "Go on to confirm", run: () => document.querySelector(".onward a.primary")?.click() },
    Escape: { does: "Close, or clear the selection", run: () => escape(matrix) },
  });
  offer(
    { label: "Select all that are shown", run: () => matrix.selectAll() },
    { label: "Clear filters", run: clear },
    { label: "Undo", run: undo },
    { label: "Redo", run: redo },
    { label: "Download the matrix as CSV", run: () => matrix.download() },
  );
  document.addEventListener("keydown", (event) => {
    if (
      !(event.ctrlKey || event.metaKey) ||
      event.altKey ||
      typing(event.target) ||
      document.querySelector("dialog[open]")
    )
      return;
    const key = event.key.toLowerCase();
    const act =
      key === "a" ? () => matrix.selectAll() : key === "z" ? (event.shiftKey ? redo : undo) : key === "y" ? redo : null;
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function escape(matrix) {
  if (typing(document.activeElement)) document.activeElement.blur();
  else if (sheet.get()) sheet.set(false);
  else matrix.select([]);
}
