// Rejects videos once a person has said why.
import { askReason } from "../parts/rejection.js";
import { decide } from "./deeds.js";
import { name } from "./store.js";

/** Ask, and reject these videos; Escape leaves everything as it is. */
export async function reject(keys) {
  if (!keys.length) return;
  const reason = await askReason({ many: keys.length, name: name(keys[0]) });
  if (reason) decide("rejected", { reason, keys });
}
