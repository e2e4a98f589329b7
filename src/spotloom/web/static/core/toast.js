// Says what happened at the foot of the page; offers to undo it.
import { html, nothing, render, repeat } from "../vendor/lit.js";

const shown = [];
let place = null;

function draw() {
  if (!place) {
    place = document.createElement("div");
    place.className = "toasts";
    place.setAttribute("role", "status");
    place.popover = "manual";
    document.addEventListener("close", () => queueMicrotask(draw), true); // of a dialog that it stood in
  }
  // In an open dialog, outside of which nothing can be clicked, and in the top layer anew each time.
  const home = document.querySelector("dialog:modal") ?? document.body;
  const held = place.contains(document.activeElement) ? document.activeElement : null;
  if (place.parentNode !== home) home.append(place);
  if (place.matches(":popover-open")) place.hidePopover();
  if (shown.length) place.showPopover();
  held?.focus();
  render(
    repeat(
      shown,
      (each) => each.id,
      (each) =>
        html`<div
          class="toast ${each.kind}"
          @pointerenter=${() => hold(each)}
          @pointerleave=${() => release(each)}
          @focusin=${() => hold(each)}
          @focusout=${() => release(each)}
        >
          <span>${each.text}</span>
          ${each.action ? html`<button class="button" @click=${() => act(each)}>${each.action.label}</button>` : nothing}
        </div>`,
    ),
    place,
  );
}

function hold(each) {
  clearTimeout(each.timer);
}

function release(each) {
  hold(each);
  each.timer = setTimeout(() => drop(each), each.seconds * 1000);
}

function drop(each) {
  hold(each);
  const at = shown.indexOf(each);
  if (at >= 0) shown.splice(at, 1);
  draw();
}

async function act(each) {
  drop(each);
  await each.action.run();
}

/** Say `text`; `action` is `{label, run}`, such as an undo. Returns a function that takes it back. */
export function toast(text, { action = null, kind = "", seconds = action ? 8 : 5 } = {}) {
  const each = { id: crypto.randomUUID(), text, action, kind, seconds };
  shown.push(each);
  if (shown.length > 3) drop(shown[0]);
  release(each);
  draw();
  return () => drop(each);
}

/** Say why something did not work. */
export function complain(error) {
  if (error.name === "AbortError") return;
  const reference = error.requestId ? ` (request ${error.requestId})` : "";
  toast(`${error.message}${error.status >= 500 ? reference : ""}`, { kind: "bad", seconds: 10 });
}

let region = null;

/** Tell a screen reader, and nobody else. */
export function announce(text) {
  if (!region) {
    region = document.createElement("p");
    region.className = "unseen";
    region.setAttribute("aria-live", "polite");
    document.body.append(region);
  }
  region.textContent = text;
}
