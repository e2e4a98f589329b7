// The workspace's money in one line: today and in all, against the caps.
import { Element } from "../../core/element.js";
import { money } from "../../core/format.js";
import { html, nothing } from "../../vendor/lit.js";
import { part } from "../parts/counts.js";

class MoneyLine extends Element {
  static properties = { budget: { attribute: false } };

  render() {
    if (!this.budget) return nothing;
    const { committedToday, dailyBudget, committed, budget } = this.budget;
    return html`<dl class="moneyline" title="Charged, reserved and possibly charged">
      ${this.cap("Committed today", committedToday, dailyBudget)}${this.cap("Committed in all", committed, budget)}
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
        ${near ? html`<span class="tag warn">${Math.round(share)} % committed</span>` : nothing}
        ${cap === null ? nothing : html`<div class="meter thin" aria-hidden="true"><i class=${near ? "unknown" : "completed"} ${part(Math.min(100, share))}></i></div>`}
      </dd>
    </div>`;
  }
}
customElements.define("money-line", MoneyLine);
