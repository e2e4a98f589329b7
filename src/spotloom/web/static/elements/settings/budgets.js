// Budgets: the caps above every batch's own, and what counts against them.
import { api } from "../../core/api.js";
import { Element, icon, may, pageData } from "../../core/element.js";
import { money } from "../../core/format.js";
import { complain, toast } from "../../core/toast.js";
import { html, nothing, signal } from "../../vendor/lit.js";
import { dollars } from "../parts/amount.js";
import { part } from "../parts/counts.js";

const { charges, ...caps } = pageData();
const budget = signal(caps);
const CAPS = [
  { name: "dailyBudget", spent: "committedToday", title: "Each day", about: "From midnight to midnight, UTC." },
  { name: "budget", spent: "committed", title: "In all", about: "Everything that this workspace has ordered so far." },
];

class SettingsBudgets extends Element {
  async set(name, value, { undo = true } = {}) {
    const before = budget.get()[name];
    try {
      budget.set(await api.patch("/api/budget", { [name]: value }));
      this.problem = null;
      toast(
        value === null ? "The cap is removed." : `The cap is ${money(budget.get()[name])}.`,
        undo ? { action: { label: "Undo", run: () => this.set(name, before, { undo: false }) } } : {},
      );
    } catch (error) {
      if (error.errors?.length) this.problem = { name, text: `A cap ${error.errors[0].message}` };
      else complain(error);
    }
    this.requestUpdate();
  }

  save(event, name) {
    event.preventDefault();
    const amount = dollars(new FormData(event.target).get("cap"));
    if (!Number.isNaN(amount)) return this.set(name, amount);
    this.problem = { name, text: "A cap is an amount such as 500 or 1,000.50. The cap is as it was." };
    this.requestUpdate();
  }

  render() {
    return html`<p class="intro">
        A cap is the most that may be spent. An order that would go over it is refused, and told how much is left.
        Committed is what was charged, what is set aside for videos under way, and what was possibly charged.
        ${charges ? nothing : "The sandbox charges nothing: here the sums are a forecast, which counts against caps all the same."}
      </p>
      <div class="stack">
        ${CAPS.map((cap) => this.cap(cap))}
        <p class="soft small">A campaign may have a budget of its own, too: it is part of its brief.</p>
      </div>`;
  }

  tag(most, share) {
    if (most === null) return html`<span class="tag">No cap</span>`;
    if (share >= 100) return html`<span class="tag bad">Used up</span>`;
    return share >= 80 ? html`<span class="tag warn">${Math.round(share)} % used</span>` : nothing;
  }

  cap({ name, spent, title, about }) {
    const { [name]: most, [spent]: committed } = budget.get();
    const share = most ? Math.min(100, (100 * committed) / most) : most === 0 ? 100 : 0;
    const wrong = this.problem?.name === name ? this.problem.text : null;
    return html`<section class="card capline" aria-labelledby="c-${name}">
      <header>
        <h2 id="c-${name}">${title}</h2>
        ${this.tag(most, share)}
      </header>
      <p class="figure">
        ${money(committed)} <span class="soft">${most === null ? "committed" : `of ${money(most)} committed`}</span>
      </p>
      ${most === null ? nothing : html`<div class="meter" aria-hidden="true"><i class=${share >= 100 ? "failed" : share >= 80 ? "unknown" : "completed"} ${part(share)}></i></div>`}
      <p class="soft small">${about}${most === null ? "" : ` ${money(Math.max(0, most - committed))} left.`}</p>
      ${
        may("admin")
          ? html`<form novalidate @submit=${(event) => this.save(event, name)}>
                <div class="field">
                  <label for="i-${name}">Cap in US dollars</label>
                  <input
                    class="input"
                    id="i-${name}"
                    name="cap"
                    inputmode="decimal"
                    placeholder="no cap"
                    .value=${most ?? ""}
                    aria-invalid=${wrong ? "true" : "false"}
                    aria-describedby="w-${name}"
                  />
                </div>
                <button class="button primary">Save</button
                >${most === null ? nothing : html`<button type="button" class="button" @click=${() => this.set(name, null)}>Remove the cap</button>`}
              </form>
              <p id="w-${name}" class="bad small" role="alert">
                ${wrong ? html`${icon("circle-alert", "small")} ${wrong}` : nothing}
              </p>`
          : html`<p class="soft small">Admins may change the cap.</p>`
      }
    </section>`;
  }
}
customElements.define("settings-budgets", SettingsBudgets);
