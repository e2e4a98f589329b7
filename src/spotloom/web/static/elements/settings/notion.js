// Notion: whether it is set up, how its pages stand, which were refused, and the pairing of its webhook.
import { api } from "../../core/api.js";
import { agreed } from "../../core/dialog.js";
import { Element, icon, may } from "../../core/element.js";
import { count, plural, span, when } from "../../core/format.js";
import { complain, toast } from "../../core/toast.js";
import { html, nothing, signal } from "../../vendor/lit.js";
import { copyButton } from "../parts/copy.js";
import { part } from "../parts/counts.js";
import { askFor, field } from "../parts/form.js";
import { Poll } from "../parts/poll.js";
import { showOnce } from "../parts/secret.js";

const EVERY_MS = 5000;
const state = signal(null); // null: not asked yet; "none": this release has no mirror

class SettingsNotion extends Element {
  connectedCallback() {
    super.connectedCallback();
    this.poll = new Poll(EVERY_MS, () => this.look(), { now: true });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.poll.stop();
  }

  async look() {
    try {
      state.set(await api.get("/api/notion"));
    } catch (error) {
      if (error.status !== 404) throw error;
      state.set("none");
      this.poll.stop();
    }
  }

  async setUp() {
    const made = await askFor({
      title: "Connect Notion",
      confirm: "Connect",
      body: (problem) =>
        html`<p class="soft">
            In Notion, share a page with your integration, then paste its link: the database is made under it. Or paste
            a database that is there.
          </p>
          ${field("page", "Link of a page", html`<input class="input" id="f-page" name="page" autocomplete="off" placeholder="https://" />`, { problem: problem("page") })}
          ${field(
            "database",
            "Or link of a database",
            html`<input class="input" id="f-database" name="database" autocomplete="off" placeholder="https://" />`,
            {
              hint: "It is checked, and what it lacks is added; nothing of yours is taken away.",
              problem: problem("database"),
            },
          )}`,
      submit: ({ page, database }, _, key) =>
        api.post("/api/notion/setup", { page: page.trim() || null, database: database.trim() || null }, { key, patienceMs: 180_000 }),
    });
    if (!made) return;
    toast(
      made.done.length ? `“${made.title}” is connected: ${made.done.join(", ")}.` : `“${made.title}” is connected.`,
    );
    this.poll.soon();
  }

  async act(deed, said) {
    try {
      toast(said(await deed()));
      this.poll.soon();
    } catch (error) {
      complain(error);
    }
  }

  check() {
    return this.act(
      () => api.post("/api/notion/setup", {}, { patienceMs: 180_000 }),
      ({ done }) => (done.length ? `Repaired: ${done.join(", ")}.` : "Everything is as it should be."),
    );
  }

  resync() {
    return this.act(
      () => api.post("/api/notion/resync", {}),
      ({ videos }) => `${plural(videos, "video is", "videos are")} sent to Notion again.`,
    );
  }

  pair() {
    return this.act(
      () => api.post("/api/notion/pairing"),
      ({ until }) => `Enter the address in Notion before ${when(until)}.`,
    );
  }

  async showToken() {
    try {
      const { verificationToken } = await api.post("/api/notion/pairing/token");
      this.poll.soon();
      await showOnce({
        title: "Verify the webhook in Notion",
        what: "The verification token",
        secret: verificationToken,
        note: "In Notion, choose Verify at the webhook and paste it there. Nothing is sent before.",
      });
    } catch (error) {
      complain(error);
    }
  }

  async disconnect() {
    const sure = await agreed({
      title: "Disconnect Notion?",
      body: html`<p>Nothing more is shown there. The pages stay as they are, and videos go on.</p>`,
      confirm: "Disconnect",
      danger: true,
    });
    if (sure)
      await this.act(
        () => api.delete("/api/notion"),
        () => "Notion is disconnected.",
      );
  }

  render() {
    const now = state.get();
    if (now === null) return html`<div class="skeleton row" role="status" aria-label="Loading"></div>`;
    if (now === "none")
      return html`<p class="notice">${icon("info")}<span>This release does not have the Notion mirror.</span></p>`;
    return html`<p class="intro">
        Each video becomes a page of a Notion database: what it is, how far it is, and its file. What people set there
        (approved, rejected, notes) comes back here. A video never waits for Notion.
      </p>
      <div class="stack">
        ${now.keySet ? nothing : this.keyless()} ${now.connection ? this.connected(now) : this.unconnected(now)}
        ${now.pages ? this.pages(now.pages) : nothing} ${now.connection ? this.webhook(now) : nothing}
      </div>`;
  }

  keyless() {
    return html`<p class="notice warn">
      ${icon("triangle-alert")}<span
        >Set <code>NOTION_API_KEY</code> for the server, the secret of an internal integration of yours, and start it
        again.</span
      >
    </p>`;
  }

  unconnected({ keySet, limits }) {
    return html`<section class="empty card">
      ${icon("table", "large")}
      <h2>Not connected</h2>
      <p>${limits}</p>
      ${
        may("admin")
          ? html`<button class="button primary" ?disabled=${!keySet} @click=${() => this.setUp()}>
              ${icon("plug", "small")}Connect Notion
            </button>`
          : html`<p class="small">Admins can connect it.</p>`
      }
    </section>`;
  }

  connected({ connection, links }) {
    const { trouble, pausedUntil } = connection;
    return html`<section class="card" aria-labelledby="place">
      <header>
        <h2 id="place">${connection.title}</h2>
        <span class="tag ${trouble ? "bad" : "good"}">${trouble ? "Needs you" : "Connected"}</span>
      </header>
      ${trouble ? html`<p class="notice bad">${icon("circle-alert")}<span>${trouble}</span></p>` : nothing}
      ${
        pausedUntil
          ? html`<p class="notice warn">
              ${icon("timer")}<span>Notion asked for a pause until ${when(pausedUntil)}. It goes on by itself.</span>
            </p>`
          : nothing
      }
      ${
        links
          ? nothing
          : html`<p class="notice">
              ${icon("info")}<span
                >Pages have no links to the files: set <code>SPOTLOOM_PUBLIC_URL</code>, the address at which others
                reach this server.</span
              >
            </p>`
      }
      <p class="line">
        <a class="button" href=${connection.url} rel="noopener noreferrer" target="_blank"
          >${icon("external-link", "small")}Open in Notion</a
        >
        ${may("admin") ? html`<button class="button" @click=${() => this.check()}>${icon("check", "small")}Check and repair</button>` : nothing}
        ${may("editor") ? html`<button class="button" @click=${() => this.resync()}>${icon("refresh-cw", "small")}Send everything again</button>` : nothing}
        ${may("admin") ? html`<button class="button danger push" @click=${() => this.disconnect()}>Disconnect</button>` : nothing}
      </p>
    </section>`;
  }

  pages(pages) {
    const all = pages.upToDate + pages.pending + pages.blocked;
    const rows = [
      ["Up to date", pages.upToDate],
      ["Waiting to be sent", pages.pending],
      ["Being checked", pages.inDoubt],
      ["Refused by Notion", pages.blocked],
      ["Removed in Notion", pages.unlinked],
    ];
    return html`<section class="card" aria-labelledby="pages">
      <header>
        <h2 id="pages">Pages</h2>
        ${pages.behindSeconds ? html`<span class="soft small">oldest change still to be sent: ${span(pages.behindSeconds)} ago</span>` : nothing}
      </header>
      <div class="meter" aria-hidden="true">
        <i class="completed" ${part(all ? (100 * pages.upToDate) / all : 0)}></i
        ><i class="busy" ${part(all ? (100 * pages.pending) / all : 0)}></i
        ><i class="failed" ${part(all ? (100 * pages.blocked) / all : 0)}></i>
      </div>
      <dl class="facts">
        ${rows.map(
          ([word, many]) =>
            html`<div>
              <dt>${word}</dt>
              <dd>${count(many)}</dd>
            </div>`,
        )}
      </dl>
      ${pages.lastError ? html`<p class="soft small">Last problem: ${pages.lastError}</p>` : nothing}
      ${
        pages.blockedPages.length
          ? html`<h3>Refused pages</h3>
              <ul class="rows">
                ${pages.blockedPages.map(
                  (page) =>
                    html`<li>
                      <div class="who">
                        <p>
                          <a href="/campaigns/${encodeURIComponent(page.batchId)}">${page.batchId}</a>
                          <span class="mono">${page.combinationId}</span>
                        </p>
                        <p class="soft small">${page.reason}</p>
                      </div>
                    </li>`,
                )}
              </ul>`
          : nothing
      }
    </section>`;
  }

  webhook({ connection, webhookUrl }) {
    const open = connection.pairingUntil && Date.parse(connection.pairingUntil) > Date.now();
    const [look, word] = open
      ? ["busy", `Waits until ${when(connection.pairingUntil)}`]
      : connection.tokenCame
        ? ["busy", "To be verified"]
        : connection.paired
          ? ["good", "Paired"]
          : ["", "Not paired"];
    return html`<section class="card" aria-labelledby="hook">
      <header>
        <h2 id="hook">Changes come back at once</h2>
        <span class="tag ${look}">${word}</span>
      </header>
      <p class="soft">
        Without a webhook, Notion is asked every 30 seconds what people have edited, every minute while many pages wait.
        Paired, an edit there is here in seconds.
      </p>
      <p class="secret">
        <input
          class="input"
          readonly
          aria-label="The webhook’s address"
          .value=${webhookUrl}
        />${copyButton(webhookUrl, "The address")}
      </p>
      ${
        connection.tokenCame && may("admin")
          ? html`<p class="notice busy line">
              ${icon("info")}<span>Notion has sent its token, and wants it back from who opened the pairing.</span>
              <button class="button primary push" @click=${() => this.showToken()}>Show the token</button>
            </p>`
          : nothing
      }
      ${
        may("admin")
          ? html`<p class="line">
              <button class="button" @click=${() => this.pair()}>
                ${connection.paired ? "Pair again" : "Open the pairing"}
              </button>
              <span class="soft small"
                >Within ten minutes, enter the address as a webhook of your integration in Notion. The token that Notion
                then sends is shown here, for you to verify the webhook with.</span
              >
            </p>`
          : html`<p class="soft small">Admins can pair it.</p>`
      }
    </section>`;
  }
}
customElements.define("settings-notion", SettingsNotion);
