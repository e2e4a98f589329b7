// What was decided about a video, as a dot with a word.
import { icon } from "../../core/element.js";
import { html, nothing } from "../../vendor/lit.js";

const KINDS = { approved: ["good", "check", "Approved"], rejected: ["bad", "x", "Rejected"] };

export function marks(item) {
  const kind = KINDS[item.review];
  return html`<span class="marks"
    >${kind ? html`<span class="tag ${kind[0]}">${icon(kind[1], "small")}${kind[2]}</span>` : nothing}
    ${item.winner ? html`<span class="tag warn">${icon("trophy", "small")}Winner</span>` : nothing}</span
  >`;
}
