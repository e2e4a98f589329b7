// Sends the order, once: however often it is pressed, and whatever answers are lost on the way.
import { Unreachable, api } from "../../core/api.js";
import { signal } from "../../vendor/lit.js";
import { current, forget, sendable } from "./draft.js";
import { lookAgain } from "./standing.js";

/** Whether an order is on its way. */
export const sending = signal(false);
/** `{kind, title, text, list}` of the refusal; null for none. */
export const refused = signal(null);

const LOST = "No answer came, so the order may have arrived or not. Ask again: the same name is never made twice.";

export async function order(plan) {
  if (sending.get()) return;
  sending.set(true);
  refused.set(null);
  const { batchId } = current();
  const shown = {
    totalVideos: plan.totalVideos,
    estimatedCost: plan.estimatedCost,
    provider: plan.provider,
    charges: plan.charges,
    combinations: plan.combinations.map((row) => ({
      combinationId: row.combinationId,
      estimatedCost: row.estimatedCost,
    })),
  };
  try {
    const accepted = await api.post(
      "/api/generate-batch",
      { formData: sendable(), matrixResult: shown, batchId },
      { key: null },
    );
    forget();
    location.assign(`/campaigns/${encodeURIComponent(accepted.batchId)}`);
  } catch (error) {
    sending.set(false);
    refused.set(told(error));
    if (error.kind === "budget") lookAgain().catch(() => {}); // the refusal is told; the figures follow later
  }
}

function told(error) {
  if (error instanceof Unreachable || error.status >= 500)
    return { kind: "lost", title: "No answer", text: LOST, list: [] };
  const list = (error.errors ?? []).map((each) => `${each.field} ${each.message}`);
  const text = error.message;
  const titles = {
    difference: "It would be something else now",
    budget: "The budget does not allow it",
    conflict: "The name is taken",
    brief: "The brief needs a change",
  };
  return { kind: error.kind, title: titles[error.kind] ?? error.title, text, list };
}
