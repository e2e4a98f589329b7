// The list of campaigns.
import { Element, pageData } from "../core/element.js";
import { ago, money, plural } from "../core/format.js";
import { html } from "../vendor/lit.js";

class CampaignList extends Element {
  render() {
    const { campaigns } = pageData();
    return html`<div class="card flush"><table class="table"><tbody>${campaigns.map(
      (each) => html`<tr><td><a href="/campaigns/${each.batchId}">${each.brief.brand}</a></td>
        <td>${plural(each.totalVideos, "video")}</td><td>${money(each.spend.actual)}</td><td>${ago(each.createdAt)}</td></tr>`,
    )}</tbody></table></div>`;
  }
}
customElements.define("campaign-list", CampaignList);
