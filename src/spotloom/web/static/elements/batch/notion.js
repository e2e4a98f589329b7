// How the batch's pages in Notion stand, where they are shown there, and the page of one video.
import { api } from "../../core/api.js";
import { Element, icon } from "../../core/element.js";
import { count } from "../../core/format.js";
import { html, nothing, signal } from "../../vendor/lit.js";
import { Poll } from "../parts/poll.js";
import { byKey, page } from "./store.js";
import { go } from "./view.js";

const EVERY_MS = 5000;

const place = signal(null); // the database in Notion, once it is known and while there is one

/** The lines of a list of facts that lead to the video's page, if it has one. */
export function pageOf({ notionPageId }) {
  if (!notionPageId || !place.get()) return nothing;
  const address = new URL(notionPageId.replaceAll("-", ""), place.get().url);
  return html`<dt>Notion</dt>
    <dd><a href=${address} rel="noopener noreferrer" target="_blank">Open its page</a></dd>`;
}

class BatchNotion extends Element {
  static properties = { told: { state: true } };

  connectedCallback() {
    super.connectedCallback();
    this.poll = new Poll(EVERY_MS, () => this.look(), { now: true });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.poll.stop();
  }

  async look() {
    const { connection } = await api.get("/api/notion");
    place.set(connection);
    if (connection) this.told = await api.get(`/api/notion/batches/${page.id}`);
    else this.poll.stop(); // who connects it meanwhile will load this page again
  }

  render() {
    const there = place.get();
    if (!there || !this.told) return nothing;
    const { upToDate, pending, blocked, blockedPages } = this.told;
    const all = upToDate + pending + blocked;
    if (!all) return nothing; // ordered before the connection
    return html`<section class="small soft trouble" aria-label="Pages in Notion">
      <p class="line">
        ${icon("table", "small")}
        <span
          >Notion: ${count(upToDate)} of ${count(all)} pages up to
          date${blocked ? `, ${count(blocked)} blocked` : ""}</span
        >
        <a href=${there.url} rel="noopener noreferrer" target="_blank">Open in Notion</a>
        ${there.trouble ? html`<span class="bad">Stopped: ${there.trouble}</span>` : nothing}
      </p>
      ${
        blocked
          ? html`<details>
              <summary>Why Notion did not take ${blocked === 1 ? "one page" : `${count(blocked)} pages`}</summary>
              <dl class="pairs">${blockedPages.map((each) => this.blocked(each))}</dl>
            </details>`
          : nothing
      }
    </section>`;
  }

  blocked({ combinationId, reason }) {
    const video = byKey.get(combinationId);
    return html`<dt>
        ${
          video
            ? html`<button class="link" @click=${() => go({ video: combinationId })}>No. ${video.position + 1}</button>`
            : combinationId
        }
      </dt>
      <dd>${reason}</dd>`;
  }
}
customElements.define("batch-notion", BatchNotion);
