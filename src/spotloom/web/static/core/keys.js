// The keyboard: pages name their keys and what they do; `?` lists them, Ctrl-K or Cmd-K finds a command.
import { html, nothing, render } from "../vendor/lit.js";

const bound = new Map(); // key → {key, does, run, when}
const commands = []; // {label, run, keys}
/** Whether what is pressed there is text. */
export const typing = (target) =>
  target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

/** What goes on while the key is held; everything else happens once. */
const HELD = new Set(["j", "k", ",", ".", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"]);

const ASKING = "dialog[open]:not([data-keys])"; // a dialog that wants an answer first
const MENU = ":is([popover=''], [popover=auto]):popover-open";
const PLACE = "spotloom.keys";
/** Whether single letters, digits and signs do something; Enter, Space, Escape and the arrows always do. */
export const single = () => localStorage.getItem(PLACE) !== "off";
export function setSingle(on) {
  if (on) localStorage.removeItem(PLACE);
  else localStorage.setItem(PLACE, "off");
}

/** Bind keys: `{"j": {does: "Next row", run}, …}`; `Shift+ArrowUp`, `Escape`, `Enter` as KeyboardEvent.key says. */
export function keys(map) {
  for (const [key, entry] of Object.entries(map)) bound.set(key, { key, ...entry });
}

/** Offer commands in the palette: `{label, run}` or `{label, href}`. */
export function offer(...more) {
  commands.push(...more);
}

document.addEventListener("keydown", (event) => {
  if ((event.metaKey || event.ctrlKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (!document.querySelector(ASKING)) palette();
    return;
  }
  if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) return;
  if (typing(event.target) && event.key !== "Escape") return;
  if (document.querySelector(ASKING)) return;
  // An open menu takes Escape itself: the browser closes it, unless somebody has made the key theirs.
  if (event.key === "Escape" && document.querySelector(MENU)) return;
  if (event.key.length === 1 && event.key !== " " && !single()) return;
  // A focused button or link takes Enter and Space itself.
  if (
    (event.key === "Enter" || event.key === " ") &&
    event.target.closest?.("a, button, input, summary, label, [role=button]")
  )
    return;
  const name = event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key;
  const entry = bound.get(name) ?? bound.get(name.toLowerCase());
  if (!entry || (entry.when && !entry.when())) return;
  event.preventDefault();
  if (!event.repeat || HELD.has(event.key)) entry.run(event);
});

const NAMES = { ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", " ": "Space" };

function box(label, content) {
  const dialog = document.createElement("dialog");
  dialog.className = "box";
  dialog.setAttribute("aria-label", label);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  render(content(dialog), dialog);
  dialog.showModal();
  return dialog;
}

export function help() {
  box(
    "Keyboard",
    (dialog) =>
      html`<h2>Keyboard</h2>
        ${single() ? nothing : html`<p class="soft small">Keys of one letter or sign are off: turn them on in the account menu.</p>`}
        <dl class="pairs">
          ${[...bound.values()]
            .filter((each) => each.does)
            .map(
              (each) =>
                html`<dt><kbd>${NAMES[each.key] ?? each.key.toUpperCase()}</kbd></dt>
                  <dd>${each.does}</dd>`,
            )}
          <dt><kbd>Ctrl K</kbd></dt>
          <dd>Find a command</dd>
          <dt><kbd>?</kbd></dt>
          <dd>This list</dd>
        </dl>
        <footer><button class="button" @click=${() => dialog.close()}>Close</button></footer>`,
  );
}

export function palette() {
  if (document.querySelector("dialog.palette[open]")) return;
  let at = 0;
  const dialog = box("Commands", () => nothing);
  dialog.classList.add("palette");
  const matching = () => {
    const words = (dialog.querySelector("input")?.value ?? "").toLowerCase().split(/\s+/);
    return commands.filter((each) => words.every((word) => each.label.toLowerCase().includes(word)));
  };
  const go = (each) => {
    dialog.close();
    if (each.href) location.assign(each.href);
    else each.run();
  };
  const draw = () => {
    const found = matching();
    at = Math.min(at, Math.max(0, found.length - 1));
    render(
      html`<input
          class="input"
          placeholder="Find a command"
          aria-label="Find a command"
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant="palette-${at}"
          @input=${() => {
            at = 0;
            draw();
          }}
          @keydown=${move}
        />
        <div id="palette-list" role="listbox" aria-label="Commands" class="menu flat">
          ${found.map(
            (each, place) =>
              html`<button
                role="option"
                id="palette-${place}"
                tabindex="-1"
                aria-selected=${place === at}
                @click=${() => go(each)}
              >
                ${each.label}
              </button>`,
          )}
          ${found.length ? nothing : html`<p class="soft small">No command has these words.</p>`}
        </div>`,
      dialog,
    );
  };
  const move = (event) => {
    const found = matching();
    if (event.key === "ArrowDown") at = (at + 1) % Math.max(1, found.length);
    else if (event.key === "ArrowUp") at = (at + found.length - 1) % Math.max(1, found.length);
    else if (event.key === "Enter" && found[at]) return go(found[at]);
    else return;
    event.preventDefault();
    draw();
  };
  render(nothing, dialog);
  draw();
  dialog.querySelector("input").focus();
}

keys({ "?": { run: help } });
