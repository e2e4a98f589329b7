// Asks the server what the draft would make and cost: soon after each change, never faster than it answers.
import { api } from "../../core/api.js";
import { signal } from "../../vendor/lit.js";
import { form, isBlank, onChange, sendable, vocabulary } from "./draft.js";

const QUIET_MS = 350;
const AGAIN_MS = 4000;

/** `{state, plan, errors}`: state is blank, waiting, ok, refused (errors say why), slow or away; plan is the newest one. */
export const planned = signal({ state: "waiting", plan: null, errors: [] });

let timer = 0;
let asking = null;
let rows = false;

async function ask() {
  asking?.abort();
  const mine = (asking = new AbortController());
  const before = planned.get();
  try {
    const plan = await api.post("/api/plan", { formData: sendable(), rows }, { key: null, signal: mine.signal });
    if (mine === asking) planned.set({ state: "ok", plan, errors: [] });
  } catch (error) {
    if (mine !== asking || error.name === "AbortError") return;
    if (error.status === 422) planned.set({ state: "refused", plan: null, errors: error.errors.map(placed) });
    else {
      planned.set({ ...before, state: error.status === 429 ? "slow" : "away" });
      timer = setTimeout(ask, error.retryAfterS ? error.retryAfterS * 1000 : AGAIN_MS);
    }
  }
}

/** The problem under the form's own path, without the option's place in its list. */
const placed = ({ field, message }) => ({ field: field.replace(/^formData\./, "").replace(/\[\d+\]$/, ""), message });

function soon() {
  clearTimeout(timer);
  asking?.abort();
  if (isBlank(form())) return planned.set({ state: "blank", plan: null, errors: [] });
  if (planned.get().state !== "waiting") planned.set({ ...planned.get(), state: "waiting" });
  timer = setTimeout(ask, QUIET_MS);
}

/** Follow the draft; with `everyRow` the plan has each combination and its prompt. */
export function follow({ everyRow = false } = {}) {
  rows = everyRow;
  onChange(soon);
  if (isBlank(form())) soon();
  else ask();
}

/** Ask again at once, although the draft is as it was. */
follow.again = () => ask();

/** The prompt of one combination, as the model would read it. */
export async function promptOf(values, signal) {
  const single = { ...sendable(), dimensions: values };
  delete single.exclude;
  const plan = await api.post("/api/plan", { formData: single }, { key: null, signal });
  return plan.combinations[0].prompt;
}

/** The prompts of these combinations out of `all`, whatever the brief excludes: a map by their ids. */
export async function promptsOf(wanted, all) {
  const prompts = new Map();
  for (let from = 0; from < wanted.length; from += vocabulary.mostVideos) {
    const part = new Set(wanted.slice(from, from + vocabulary.mostVideos));
    const exclude = all.filter((row) => !part.has(row) && row.why?.kind !== "rule").map((row) => row.id);
    const formData = { ...sendable(), exclude };
    const plan = await api.post("/api/plan", { formData }, { key: null });
    for (const one of plan.combinations) prompts.set(one.combinationId, one.prompt);
  }
  return prompts;
}

/** Resolves when the server has said its word on the draft as it is now, or does not answer. */
export function settled() {
  if (!["ok", "refused"].includes(planned.get().state)) {
    clearTimeout(timer);
    return ask();
  }
  return Promise.resolve();
}
