// A field of the brief: its words, its value from the draft, and what is wrong with it beside it.
import { icon } from "../../core/element.js";
import { html, ifDefined, live, nothing, signal } from "../../vendor/lit.js";
import { change, form, space } from "./draft.js";
import { planned } from "./plan.js";
import { cap } from "./ways.js";

/** Whether somebody has asked to go on: from then on gaps are told, too. */
export const tried = signal(false);
const left = signal(new Set());

/** A field that was left again: from then on what is wrong with it is told. */
export function leave(field) {
  if (!left.get().has(field)) left.set(new Set(left.get()).add(field));
}

// The summary tells of these better, with ways out.
const toldElsewhere = ({ field }) => field === "dimensions" && (space.get().kept > cap || space.get().kept === 0);

/** What is wrong with the brief, in the order of the form. */
export const problems = () => planned.get().errors.filter((each) => !toldElsewhere(each));

const filled = (field) => {
  const value = field.startsWith("dimensions.") ? form().dimensions[field.slice("dimensions.".length)] : form()[field];
  return Array.isArray(value) ? value.length > 0 : value !== "" && value !== null;
};

export function errorsOf(field) {
  if (!tried.get() && !left.get().has(field) && !filled(field)) return [];
  return problems()
    .filter((each) => each.field === field)
    .map((each) => each.message);
}

export const idOf = (field) => `field-${field.replace(".", "-")}`;

export function errorsBelow(field) {
  const found = errorsOf(field);
  return found.length
    ? html`<p class="error" id="${idOf(field)}-error">
        ${icon("circle-alert", "small")}<span
          >${found.map((each, place) => html`${place ? html`<br />` : nothing}${sentence(each)}`)}</span
        >
      </p>`
    : nothing;
}

/** The server's message as a sentence of its own. */
export const sentence = (message) => message.charAt(0).toUpperCase() + message.slice(1);

/** What describes the control to people who do not see it. */
export const describedBy = (field, hint) =>
  [hint && `${idOf(field)}-hint`, errorsOf(field).length && `${idOf(field)}-error`].filter(Boolean).join(" ") ||
  undefined;

const NEAR = 0.8;

/** A text of the brief. */
export function text(field, { label, hint = "", most, required = false, long = false, type = "text", example = "" }) {
  const value = form()[field];
  const wrong = errorsOf(field).length > 0;
  const id = idOf(field);
  const write = (event) => change({ [field]: event.target.value });
  const counted =
    value.length > most * NEAR
      ? html`<span class="count ${value.length > most ? "bad" : ""}">${value.length} of ${most}</span>`
      : nothing;
  const describes = ifDefined(describedBy(field, hint));
  return html`<div class="field">
    <label for=${id} class="line"
      >${label}${required ? nothing : html`<span class="optional">optional</span>`}${counted}</label
    >
    ${
      long
        ? html`<textarea
            class="input"
            id=${id}
            rows="3"
            .value=${live(value)}
            placeholder=${example}
            aria-invalid=${wrong}
            aria-required=${required}
            aria-describedby=${describes}
            @input=${write}
            @blur=${() => leave(field)}
          ></textarea>`
        : html`<input
            class="input"
            id=${id}
            type=${type}
            .value=${live(value)}
            placeholder=${example}
            aria-invalid=${wrong}
            aria-required=${required}
            aria-describedby=${describes}
            autocomplete="off"
            @input=${write}
            @blur=${() => leave(field)}
          />`
    }
    ${hint ? html`<p class="hint" id="${id}-hint">${hint}</p>` : nothing} ${errorsBelow(field)}
  </div>`;
}
