// What our elements share: they render into the page itself, and follow the signals they read.
import { LitElement, SignalWatcher, html, nothing } from "../vendor/lit.js";

export class Element extends SignalWatcher(LitElement) {
  createRenderRoot() {
    return this;
  }

  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

/** What the server put into the page for its elements. */
export function pageData() {
  return JSON.parse(document.getElementById("data").textContent);
}

const sprite = document.querySelector('meta[name="icons"]').content;

export function icon(name, size = "") {
  return html`<svg class="icon ${size}" aria-hidden="true"><use href="${sprite}#${name}"></use></svg>`;
}

/** A button's contents: an icon and a word. */
export const labelled = (name, word) => html`${icon(name, "small")}${word ?? nothing}`;

/** For a button that means the opposite once it was pressed: the second click of a double one is not for that. */
export const once = (run) => (event) => (event.detail > 1 ? undefined : run(event));

const ROLES = ["viewer", "editor", "admin"];

/** Whether the person who looks at this page has that role, or more. */
export function may(role) {
  return ROLES.indexOf(document.body.dataset.role) >= ROLES.indexOf(role);
}
