// The page of the brief.
import { keys, offer } from "../../core/keys.js";
import { toast } from "../../core/toast.js";
import { data, replace } from "./draft.js";
import "./files.js";
import "./form.js";
import { notes, startOver } from "./note.js";
import { toMatrix } from "./onward.js";
import { follow } from "./plan.js";
import "./summary.js";
import { show as showTemplates } from "./templates.js";

if (data.seed) {
  const undo = replace(data.seed.formData);
  if (data.seed.note) notes.set({ kind: "busy", title: data.seed.note, list: [] });
  // The address is plain again: a reload brings back what was edited, not the beginning.
  history.replaceState(null, "", "/new");
  toast(`This brief starts from ${data.seed.label}.`, { action: { label: "Undo", run: undo } });
}
follow();
keys({ m: { does: "See the matrix", run: toMatrix } });
offer(
  { label: "See the matrix", run: toMatrix },
  { label: "Templates", run: showTemplates },
  { label: "Start over with an empty brief", run: startOver },
);
