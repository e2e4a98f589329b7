// How one attempt at a video went: its times, its job at the provider, what it cost, and what went wrong.
import { span, when } from "../../core/format.js";
import { html, nothing } from "../../vendor/lit.js";
import { copyButton } from "../parts/copy.js";
import { status } from "./rows.js";
import { page } from "./store.js";

export const CHARGE = { reserved: "Reserved", unknown: "Possibly charged", charged: "Charged", none: "Not charged" };
const STEPS = [
  ["createdAt", "Queued"],
  ["admittedAt", "Given a slot"],
  ["sentAt", "Sent"],
  ["acceptedAt", "Accepted"],
  ["cancelAskedAt", "Asked to stop"],
  ["readyAt", "Ready at the provider"],
  ["overAt", "Over"],
];
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** One attempt; of several each can be folded, and `open` says whether this one begins unfolded. */
export function attempt(each, { open, alone }) {
  const steps = STEPS.filter(([name]) => each[name])
    .map(([name, word]) => [word, Date.parse(each[name])])
    .sort((a, b) => a[1] - b[1]);
  const inside = html`<ol class="timeline">
      ${steps.map(
        ([word, at], place) =>
          html`<li>
            <time>${clock.format(at)}</time><span>${word}</span
            ><span class="soft small push"
              >${place && at - steps[place - 1][1] >= 1000 ? `after ${span((at - steps[place - 1][1]) / 1000)}` : ""}</span
            >
          </li>`,
      )}
    </ol>
    ${
      each.providerJobId
        ? html`<p class="line keep small">
            <span class="soft">Job</span><code class="clip">${each.providerJobId}</code
            >${copyButton(each.providerJobId, "The job id", "small quiet push")}
          </p>`
        : nothing
    }
    ${each.error ? html`<pre class="raw">${each.error.code ?? each.status}: ${each.error.message ?? "no text"}</pre>` : nothing}${
      each.note ? html`<p class="soft small">${each.note}</p>` : nothing
    }`;
  if (alone) return inside;
  return html`<details ?open=${open}>
    <summary class="line">
      <span class="strong">Attempt ${each.attempt}</span>${status({ ...each, error: each.error?.code })}<span
        class="soft small push"
        >${page.free ? nothing : `${CHARGE[each.charge]}, `}${when(each.createdAt)}</span
      >
    </summary>
    ${inside}
  </details>`;
}
