// One combination, close up: its values, and the prompt that the model would read.
import { Element, icon, labelled } from "../../core/element.js";
import { money } from "../../core/format.js";
import { html, nothing, signal } from "../../vendor/lit.js";
import { copy as copyText } from "../parts/copy.js";
import { each, form, modelOf, space, vocabulary } from "./draft.js";
import { leaveOut, takeIn } from "./exclusions.js";
import { planned, promptOf, promptsOf, settled } from "./plan.js";
import { ANY } from "./space.js";

/** The combination that is looked at; null for none. `sheet`: it lies over the matrix, on small screens. */
export const looking = signal(null);
export const sheet = signal(false);

const asked = new Map(); // what the plan did not have: of excluded combinations, or while the brief is over the cap
const failed = new Map(); // of which that was of no avail: why
const arrived = signal(0);
let mapped = { plan: null, prompts: new Map() };

/** The prompt of a combination as far as it is known; null otherwise. */
export function known(row) {
  const { plan } = planned.get();
  if (plan && mapped.plan !== plan) {
    mapped = { plan, prompts: new Map(plan.combinations.map((one) => [one.combinationId, one.prompt])) };
    asked.clear();
    failed.clear();
  }
  return mapped.prompts.get(row.id) ?? asked.get(row.id) ?? null;
}

async function find(row) {
  if (asked.has(row.id) || failed.has(row.id)) return;
  asked.set(row.id, null);
  try {
    asked.set(row.id, await promptOf(row.values));
  } catch (error) {
    asked.delete(row.id);
    failed.set(row.id, error.message);
  }
  arrived.set(arrived.get() + 1);
}

export async function copy(row) {
  const text = known(row);
  if (text) await copyText(text, "The prompt");
}

/** A function from each of these combinations to its prompt, once all are known; those that a rule forbids have none. */
export async function allKnown(rows) {
  await settled();
  const lacking = rows.filter((row) => row.why?.kind !== "rule" && !known(row));
  const found = await promptsOf(lacking, space.get().rows);
  return (row) => known(row) ?? found.get(row.id) ?? "";
}

class BriefPrompt extends Element {
  render() {
    arrived.get();
    const row = looking.get();
    if (!row || !space.get().rows?.includes(row))
      return html`<section class="card promptcard isempty">
        <p class="soft small">
          ${icon("file-text", "small")}<span
            >Choose a row to read its prompt: click it, or press <kbd>J</kbd> or <kbd>K</kbd>.</span
          >
        </p>
      </section>`;
    const text = known(row);
    if (text === null && row.why?.kind !== "rule" && planned.get().state !== "waiting") find(row);
    return html`<section
      class="card promptcard ${sheet.get() ? "isopen" : ""}"
      aria-label="Prompt of the chosen combination"
    >
      <header>
        <h2>Prompt</h2>
        ${text ? html`<button class="button small" @click=${() => copy(row)}>${labelled("copy", "Copy")}</button>` : nothing}
        <button class="button quiet small iconic closer" aria-label="Close" @click=${() => sheet.set(false)}>
          ${icon("x", "small")}
        </button>
      </header>
      <p class="values">
        ${vocabulary.dimensions
          .filter((one) => row.values[one.key] !== ANY)
          .map(
            (one) =>
              html`<span class="tag" title=${one.label}
                >${one.options.find((option) => option.key === row.values[one.key])?.label}</span
              >`,
          )}
      </p>
      ${
        row.why?.kind === "rule"
          ? html`<p class="notice">${icon("ban")}<span>${row.why.text}</span></p>`
          : text
            ? html`<div class="prompt">${paragraphs(text)}</div>`
            : failed.has(row.id)
              ? unread(row)
              : html`<div class="skeleton promptwait" aria-busy="true"></div>`
      }
      <footer class="line small soft">
        <span class="mono">${row.id}</span
        ><span>${row.why ? "not made" : `${modelOf(form()).charges ? "" : "forecast "}${money(each())}`}</span> ${
          row.why?.kind === "rule"
            ? nothing
            : html`<button class="button small push" @click=${() => (row.why ? takeIn([row]) : leaveOut([row]))}>
                ${row.why ? labelled("undo-2", "Include") : labelled("ban", "Exclude")}
              </button>`
        }
      </footer>
    </section>`;
  }
}
customElements.define("brief-prompt", BriefPrompt);

function unread(row) {
  const again = () => {
    failed.delete(row.id);
    arrived.set(arrived.get() + 1);
  };
  return html`<p class="notice bad" role="alert">
    ${icon("circle-alert")}<span
      >${failed.get(row.id)} <button class="textbutton" @click=${again}>Try again</button></span
    >
  </p>`;
}

const paragraphs = (text) =>
  text.split("\n").map((line) => {
    const [label, ...rest] = line.split(": ");
    return html`<p><b>${label}</b> ${rest.join(": ")}</p>`;
  });
