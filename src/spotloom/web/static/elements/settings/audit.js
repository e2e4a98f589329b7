// The audit log: who did what, newest first.
import { api } from "../../core/api.js";
import { Element, icon, pageData } from "../../core/element.js";
import { money, plural, when } from "../../core/format.js";
import { complain } from "../../core/toast.js";
import { html, nothing, repeat, signal } from "../../vendor/lit.js";

const data = pageData();
const entries = signal(data.items);
const cursor = signal(data.nextCursor);
const DEEDS = {
  "batch.submitted": "ordered a batch",
  "batch.cancelled": "cancelled",
  "batch.paused": "paused a batch",
  "batch.resumed": "resumed a batch",
  "batch.retried": "retried what failed",
  "batch.prioritised": "changed the priority",
  "video.edited": "edited a video",
  "video.approved": "approved a video",
  "video.rejected": "rejected a video",
  "video.retried": "retried a video",
  "video.cancelled": "cancelled a video",
  "video.prioritised": "changed the priority of videos",
  "video.resolved": "decided about a possibly charged video",
  "media.shared": "shared a file by a link",
  "campaign.deleted": "deleted a campaign",
  "campaign.restored": "brought a campaign back",
  "budget.changed": "changed a budget",
  "lane.changed": "changed a lane of the queue",
  "provider.tested": "tested a provider",
  "hook.added": "added a webhook",
  "hook.changed": "changed a webhook",
  "hook.deleted": "deleted a webhook",
  "hook.redelivered": "sent a delivery again",
  "key.made": "made a key",
  "key.revoked": "revoked a key",
  "member.joined": "joined",
  "member.changed": "changed a role",
  "member.removed": "removed a member",
  "invitation.made": "invited",
  "invitation.taken-back": "withdrew an invitation",
  "session.began": "signed in",
  "session.ended": "signed out",
  "session.moved": "went to this workspace",
  "notion.connected": "connected Notion",
  "notion.disconnected": "disconnected Notion",
  "notion.resynced": "sent everything to Notion again",
  "notion.pairing_opened": "opened the pairing with Notion",
  "notion.token_shown": "looked at the verification token of Notion",
  "template.added": "added a template",
  "template.changed": "changed a template",
  "template.deleted": "deleted a template",
  "workspace.closed": "closed the workspace",
  "password.changed": "set a password",
  "password.forgotten": "made a link for a lost password",
};
const OF_CAMPAIGN = /^(batch|video|campaign)\./;

class SettingsAudit extends Element {
  async older() {
    try {
      const page = await api.get(`/api/audit?limit=50&cursor=${encodeURIComponent(cursor.get())}`);
      entries.set([...entries.get(), ...page.items]);
      cursor.set(page.nextCursor);
    } catch (error) {
      complain(error);
    }
  }

  render() {
    if (!entries.get().length)
      return html`<div class="empty card">
        ${icon("history", "large")}
        <p>Nothing was done here yet.</p>
      </div>`;
    return html`<p class="intro">
        Everything that spent money, changed something or let somebody in. Entries are written together with the deed,
        and nobody can change them.
      </p>
      <section class="card flush">
        <table class="table log stacked">
          <thead>
            <tr>
              <th>When</th>
              <th>Who</th>
              <th>Did</th>
              <th>To what</th>
            </tr>
          </thead>
          <tbody>
            ${repeat(
              entries.get(),
              (each) => each.id,
              (each) => this.row(each),
            )}
          </tbody>
        </table>
      </section>
      ${cursor.get() ? html`<p class="further"><button class="button" @click=${() => this.older()}>Show older entries</button></p>` : nothing}`;
  }

  row(entry) {
    const key = entry.actor.startsWith("key:");
    const who =
      entry.actorName ??
      (key ? "a key that is gone" : entry.actor.startsWith("person:") ? "somebody who left" : "the command line");
    return html`<tr>
      <td data-word="When" class="nowrap">${when(entry.at)}</td>
      <td data-word="Who">
        <span><span class="strong">${who}</span>${key ? html` <span class="tag">key</span>` : nothing}</span>
      </td>
      <td data-word="Did">${DEEDS[entry.action] ?? entry.action}</td>
      <td data-word="To what">
        <span>${this.target(entry)}<span class="detail">${this.detail(entry)}</span></span>
      </td>
    </tr>`;
  }

  target(entry) {
    if (OF_CAMPAIGN.test(entry.action)) {
      const name = entry.targetName ?? `${entry.target.slice(0, 8)}…`;
      return entry.action === "campaign.deleted"
        ? html`${name} `
        : html`<a href="/campaigns/${encodeURIComponent(entry.target)}">${name}</a> `;
    }
    if (entry.target === entry.actor || entry.action === "budget.changed") return nothing;
    const name = entry.targetName ?? entry.target;
    return html`${/^(person|key):/.test(name) || /^[0-9a-f-]{36}$/.test(name) ? `${name.slice(0, 15)}…` : name} `;
  }

  detail({ action, detail }) {
    const told = Object.entries(detail)
      .filter(([name, value]) => value !== null && !["batchId", "how"].includes(name))
      .map(([name, value]) => {
        if (name === "estimatedCost") return money(Number(value));
        if (name === "videos") return plural(value, "video");
        if (Array.isArray(value)) return value.length > 3 ? `${name}: ${value.length}` : `${name}: ${value.join(", ")}`;
        if (typeof value === "boolean") return `${name}: ${value ? "yes" : "no"}`;
        return `${name}: ${value}`;
      });
    return detail.how && action === "session.began" ? `with a ${detail.how}` : told.join(" · ");
  }
}
customElements.define("settings-audit", SettingsAudit);
