// The workspace's money in one line: today and in all, against the caps.
import { Element } from "../../core/element.js";
import { money } from "../../core/format.js";
import { html, nothing } from "../../vendor/lit.js";
import { part } from "../parts/counts.js";

const MEANS = "Charged, set aside for videos under way, and possibly charged";

class MoneyLine extends Element {
  static properties = { budget: { attribute: false }, free: { attribute: false } };

  render() {
    if (!this.budget) return nothing;
    const { committedToday, dailyBudget, committed, budget } = this.budget;
    const capped = dailyBudget !== null || budget !== null;
    if (this.free && !capped) return html`<p class="soft small">Videos are free here: the sandbox draws them.</p>`;
    const word = this.free ? "Forecast" : "Committed";
    const means = this.free ? "Nothing is charged; the forecast counts against caps." : MEANS;
    return html`<dl class="moneyline ${capped ? "" : "plain"}" title=${means}>
      ${this.cap(`${word} today`, committedToday, dailyBudget)}${this.cap(`${word} in all`, committed, budget)}
    </dl>`;
  }

  cap(word, spent, cap) {
    const share = cap ? (100 * spent) / cap : 0;
    const near = share >= 80;
    return html`<div class=${near ? "near" : ""}>
      <dt>${word}</dt>
      <dd>
        <strong>${money(spent)}</strong>
        ${cap === null ? html`<span class="soft">no cap</span>` : html`<span class="soft">of ${money(cap)}</span>`}
        ${near ? html`<span class="tag warn">${Math.round(share)} % of the cap</span>` : nothing}
        ${cap === null ? nothing : html`<div class="meter thin" aria-hidden="true"><i class=${near ? "unknown" : "completed"} ${part(Math.min(100, share))}></i></div>`}
      </dd>
    </div>`;
  }
}
customElements.define("money-line", MoneyLine);
