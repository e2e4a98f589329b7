// A form in a dialog: says beside each field what is wrong with it, and closes when it is done.
import { isLost, wishKey } from "../../core/api.js";
import { icon } from "../../core/element.js";
import { complain } from "../../core/toast.js";
import { html, nothing, render } from "../../vendor/lit.js";

/** A labelled field; `problem` is what the server said of it. */
export const field = (name, label, input, { hint = nothing, problem = null } = {}) =>
  html`<div class="field">
    <label for="f-${name}">${label}</label>${input}
    ${problem ? html`<p class="error" id="e-${name}">${icon("circle-alert", "small")}${problem}</p>` : nothing}
    ${hint === nothing ? nothing : html`<p class="hint">${hint}</p>`}
  </div>`;

/**
 * Opens the form. `body(problem)` draws its fields, where `problem(name)` is what the server said of
 * one; `submit(values, form, key)` does the work, under a key that stays the same until something else is
 * asked for. Resolves to what `submit` returned, or null; while it works the form cannot be left.
 */
export function askFor({ title, body, confirm, submit }) {
  const dialog = document.createElement("dialog");
  dialog.className = "box";
  dialog.setAttribute("aria-label", title);
  document.body.append(dialog);
  let problems = new Map();
  let said = "";
  let busy = false;
  let done = null;
  let key = wishKey();
  let sending = Promise.resolve();
  const draw = () =>
    render(
      html`<h2>${title}</h2>
        <form class="fields" novalidate @submit=${sent} @input=${() => (key = wishKey())}>
          ${said ? html`<p class="notice bad" role="alert">${icon("circle-alert")}<span>${said}</span></p>` : nothing}
          ${body((name) => problems.get(name) ?? null)}
          <footer class="line">
            <span class="push"></span><button type="button" class="button" ?disabled=${busy} @click=${() => dialog.close()}>
              Back
            </button>
            <button class="button primary" aria-busy=${busy}>${confirm}</button>
          </footer>
        </form>`,
      dialog,
    );

  function sent(event) {
    event.preventDefault();
    if (!busy) sending = send(event.target);
  }

  async function send(form) {
    busy = true;
    draw();
    try {
      done = await submit(Object.fromEntries(new FormData(form)), form, key);
      dialog.close();
    } catch (error) {
      if (!isLost(error)) key = wishKey(); // it was answered: the next is another
      if (!dialog.open) return complain(error);
      const known = new Set([...form.elements].map((element) => element.name));
      const errors = error.errors ?? [];
      problems = new Map(
        errors.filter((each) => known.has(each.field)).map((each) => [each.field, `This ${each.message}`]),
      );
      said = problems.size === errors.length && errors.length ? "" : error.message;
    } finally {
      busy = false;
      if (dialog.open) {
        draw();
        dialog.querySelector(".field:has(.error) .input")?.focus();
      }
    }
  }

  draw();
  const stay = (event) => busy && (event.type === "cancel" || event.key === "Escape") && event.preventDefault();
  dialog.addEventListener("cancel", stay);
  dialog.addEventListener("keydown", stay);
  dialog.showModal();
  dialog.querySelector("input, select")?.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", async () => {
      dialog.remove();
      await sending; // however it was closed: what was asked for is not lost
      resolve(done);
    });
  });
}
