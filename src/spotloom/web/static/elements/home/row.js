// One campaign of the list: its first videos, how far it is, what it cost.
import { Element, icon, may } from "../../core/element.js";
import { ago, count, money, plural, when } from "../../core/format.js";
import { html, nothing } from "../../vendor/lit.js";
import { bar, grouped, legend, part } from "../parts/counts.js";
import { FREE } from "../parts/price.js";

const STRIP = 6;
const SANDBOX = "sandbox"; // draws videos for nothing

export const addressOf = (campaign) => `/campaigns/${encodeURIComponent(campaign.batchId)}`;
export const titleOf = (campaign) => campaign.brief.bigIdea || campaign.batchId;

/** What to say of a campaign's state: a tag's look and its words. */
export function stateOf(campaign) {
  const groups = grouped(campaign.counts);
  if (campaign.state === "cancelled") return ["", "Cancelled"];
  if (groups.running || groups.queued)
    return campaign.state === "paused" ? ["warn", "Paused"] : groups.running ? ["busy", "Running"] : ["busy", "Queued"];
  if (groups.unknown) return ["warn", `${plural(groups.unknown, "video waits", "videos wait")} for you`];
  if (groups.failed) return ["bad", `${count(groups.failed)} failed`];
  return ["good", "Finished"];
}

class CampaignRow extends Element {
  static properties = { campaign: { attribute: false }, now: { attribute: false } };

  render() {
    const { campaign } = this;
    const href = addressOf(campaign);
    const groups = grouped(campaign.counts);
    const [look, words] = stateOf(campaign);
    return html`<article class="campaign card" aria-labelledby="t-${campaign.id}">
      <a class="strip" href=${href} tabindex="-1" aria-hidden="true">${this.strip(campaign)}</a>
      <div class="what">
        <p class="line keep">
          <span class="brandname clip">${campaign.brief.brand}</span><span class="tag ${look}">${words}</span>
        </p>
        <h2><a id="t-${campaign.id}" class="title" href=${href}>${titleOf(campaign)}</a></h2>
        <p class="soft small clip">
          ${plural(campaign.totalVideos, "video")} · ${campaign.model} at ${campaign.provider} ·
          <span class="mono">${campaign.batchId}</span>
        </p>
      </div>
      <div class="how">${bar(groups, campaign.totalVideos)} ${legend(groups)}</div>
      <dl class="cost">
        ${campaign.provider === SANDBOX ? this.free(campaign.spend) : this.paid(campaign.spend)}
        <div>
          <dt>Last activity</dt>
          <dd title=${when(campaign.lastActivity)}>${ago(campaign.lastActivity, this.now)}</dd>
        </div>
      </dl>
      ${this.menu(campaign)}
    </article>`;
  }

  strip({ posters, totalVideos }) {
    const places = Math.min(STRIP, Math.max(totalVideos, 1));
    return Array.from({ length: places }, (_, place) => {
      const poster = posters[place];
      return poster
        ? html`<img
            src=${poster.url}
            width=${poster.width}
            height=${poster.height}
            alt=""
            loading="lazy"
            decoding="async"
          />`
        : html`<i></i>`;
    });
  }

  free({ estimated }) {
    return html`<div>
        <dt>Cost</dt>
        <dd>${FREE}</dd>
      </div>
      <div>
        <dt>Forecast</dt>
        <dd>${money(estimated)}</dd>
      </div>`;
  }

  paid(spend) {
    return html`<div>
        <dt>Charged</dt>
        <dd>${money(spend.actual)}</dd>
      </div>
      ${
        spend.budget === null
          ? html`<div>
              <dt>Committed</dt>
              <dd>${money(spend.committed)}</dd>
            </div>`
          : this.budget(spend)
      }`;
  }

  budget({ committed, budget }) {
    return html`<div>
      <dt>Committed</dt>
      <dd>
        ${money(committed)} <span class="soft">of ${money(budget)}</span>
        <div class="meter thin" aria-hidden="true">
          <i class="completed" ${part(budget ? Math.min(100, (100 * committed) / budget) : 100)}></i>
        </div>
      </dd>
    </div>`;
  }

  menu(campaign) {
    const id = `m-${campaign.id}`;
    return html`<div class="more">
      <button class="button quiet iconic small" popovertarget=${id} aria-label="More for ${titleOf(campaign)}">
        ${icon("more-horizontal")}
      </button>
      <div
        class="menu"
        id=${id}
        popover
        @toggle=${(event) => event.newState === "open" && place(event.target)}
        @click=${(event) => event.currentTarget.hidePopover()}
      >
        <a href=${addressOf(campaign)}>${icon("arrow-right", "small")}Open</a>
        ${campaign.counts.completed ? html`<a href="${addressOf(campaign)}/review">${icon("thumbs-up", "small")}Review ${plural(campaign.counts.completed, "video")}</a>` : nothing}
        ${may("editor") ? html`<a href="/new?from=${encodeURIComponent(campaign.batchId)}">${icon("copy", "small")}Duplicate the brief</a>` : nothing}
        ${
          may("admin")
            ? html`<hr />
                <button class="bad" @click=${() => this.emit("remove", campaign)}>
                  ${icon("trash-2", "small")}Delete
                </button>`
            : nothing
        }
      </div>
    </div>`;
  }
}
customElements.define("campaign-row", CampaignRow);

/** Put an open menu beside the button that opened it, within the window. */
function place(menu) {
  const button = document.querySelector(`[popovertarget="${menu.id}"]`).getBoundingClientRect();
  const { offsetWidth, offsetHeight } = menu;
  const below = button.bottom + 6 + offsetHeight < innerHeight;
  menu.style.setProperty("inset", "auto");
  menu.style.setProperty(
    "left",
    `${Math.max(8, Math.min(button.right - offsetWidth, innerWidth - offsetWidth - 8))}px`,
  );
  menu.style.setProperty("top", `${below ? button.bottom + 6 : button.top - 6 - offsetHeight}px`);
}
