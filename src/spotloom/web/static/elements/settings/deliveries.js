// What became of telling one webhook, newest first; any delivery can be sent again.
import { api } from "../../core/api.js";
import { Element, icon } from "../../core/element.js";
import { plural, when } from "../../core/format.js";
import { complain, toast } from "../../core/toast.js";
import { html, nothing, repeat } from "../../vendor/lit.js";

const LOOK = { pending: ["busy", "Waiting"], delivered: ["good", "Delivered"], failed: ["bad", "Given up"] };
const PAGE = 20;

class HookDeliveries extends Element {
  static properties = { hook: { attribute: false }, items: { state: true }, cursor: { state: true } };

  connectedCallback() {
    super.connectedCallback();
    this.load();
  }

  async load(more = false) {
    try {
      const page = await api.get(
        `/api/hooks/${this.hook}/deliveries?limit=${PAGE}${more ? `&cursor=${encodeURIComponent(this.cursor)}` : ""}`,
      );
      this.items = more ? [...this.items, ...page.items] : page.items;
      this.cursor = page.nextCursor;
    } catch (error) {
      this.items ??= [];
      complain(error);
    }
  }

  async again(delivery) {
    try {
      await api.post(`/api/hooks/deliveries/${delivery.id}/redeliver`);
      toast("It is sent again, with the same webhook-id.");
      await this.load();
    } catch (error) {
      complain(error);
    }
  }

  render() {
    if (!this.items) return html`<div class="skeleton row" role="status" aria-label="Loading"></div>`;
    if (!this.items.length) return html`<p class="soft">Nothing has happened yet that would be sent.</p>`;
    return html`<div class="line">
        <span class="push"></span
        ><button class="button small quiet" @click=${() => this.load()}>
          ${icon("refresh-cw", "small")}Look again
        </button>
      </div>
      <table class="table stacked">
        <thead>
          <tr>
            <th>Event</th>
            <th>When</th>
            <th>State</th>
            <th>Answer</th>
            <th><span class="unseen">Actions</span></th>
          </tr>
        </thead>
        <tbody>
          ${repeat(
            this.items,
            (each) => each.id,
            (each) => this.row(each),
          )}
        </tbody>
      </table>
      ${this.cursor ? html`<p><button class="button small" @click=${() => this.load(true)}>Show older</button></p>` : nothing}`;
  }

  row(each) {
    const [look, word] = LOOK[each.state];
    const answer = each.statusCode ?? each.error ?? "none yet";
    return html`<tr>
      <td data-word="Event"><code>${each.kind}</code></td>
      <td data-word="When">${when(each.createdAt)}</td>
      <td data-word="State">
        <span
          ><span class="tag ${look}">${word}</span>
          <span class="soft small"
            >${each.attempts ? plural(each.attempts, "try", "tries") : ""}
            ${each.state === "pending" && each.attempts ? html`, next ${when(each.nextAt)}` : nothing}</span
          ></span
        >
      </td>
      <td data-word="Answer">${answer}</td>
      <td class="acts">
        ${each.state === "pending" ? nothing : html`<button class="button small" @click=${() => this.again(each)}>Send again</button>`}
      </td>
    </tr>`;
  }
}
customElements.define("hook-deliveries", HookDeliveries);
