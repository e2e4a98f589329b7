// API keys: what programs sign in with; each is shown once, when it is made.
import { api } from "../../core/api.js";
import { agreed } from "../../core/dialog.js";
import { Element, icon, pageData } from "../../core/element.js";
import { ago, date, when } from "../../core/format.js";
import { complain, toast } from "../../core/toast.js";
import { html, nothing, repeat, signal } from "../../vendor/lit.js";
import { nextTo } from "../parts/focus.js";
import { askFor, field } from "../parts/form.js";
import { showOnce } from "../parts/secret.js";

const data = pageData();
const keys = signal(data.keys);
const people = new Map(data.members.map((member) => [`person:${member.personId}`, member.name]));
const SCOPES = {
  "campaigns:read": "See campaigns, the queue, budgets and files.",
  "campaigns:write": "Write briefs, review, cancel, pause.",
  spend: "Order videos, and retry them.",
  members: "Manage members and invitations.",
  keys: "Make and revoke keys.",
  metrics: "Read /metrics.",
  admin: "Delete, set budgets and how many videos are made at once, manage webhooks.",
};
const OF_ROLE = {
  viewer: ["campaigns:read", "metrics"],
  editor: ["campaigns:read", "metrics", "campaigns:write", "spend"],
  admin: Object.keys(SCOPES),
};
const LIVES = [
  [30, "30 days"],
  [90, "90 days"],
  [365, "a year"],
  ["", "until revoked"],
];

class SettingsKeys extends Element {
  async make() {
    let role = "editor";
    let narrow = false;
    const made = await askFor({
      title: "Make an API key",
      confirm: "Make the key",
      body: (problem) =>
        html`${field(
            "name",
            "What it is for",
            html`<input
              class="input"
              id="f-name"
              name="name"
              maxlength="80"
              placeholder="nightly report"
              autocomplete="off"
              aria-invalid=${problem("name") ? "true" : "false"}
            />`,
            { problem: problem("name") },
          )}
          <div class="two">
            ${field(
              "role",
              "Role",
              html`<select
                class="input"
                id="f-role"
                name="role"
                @change=${(event) => {
                  role = event.target.value;
                  fit(event.target.form);
                }}
              >
                ${Object.keys(OF_ROLE).map((each) => html`<option ?selected=${each === role}>${each}</option>`)}
              </select>`,
            )}
            ${field(
              "life",
              "Works for",
              html`<select class="input" id="f-life" name="life">
                ${LIVES.map(([days, word]) => html`<option value=${days} ?selected=${days === 90}>${word}</option>`)}
              </select>`,
            )}
          </div>
          <fieldset class="scopes">
            <legend class="label">May do</legend>
            <label class="check"
              ><input
                type="checkbox"
                checked
                @change=${(event) => {
                  narrow = !event.target.checked;
                  fit(event.target.form);
                }}
              /><span>All that its role may do</span></label
            >
            <div class="scopes" data-scopes hidden>
              ${Object.entries(SCOPES).map(
                ([scope, does]) =>
                  html`<label class="check" data-scope=${scope}
                    ><input type="checkbox" name="scope" value=${scope} />
                    <span><code>${scope}</code><span class="soft small">${does}</span></span></label
                  >`,
              )}
            </div>
          </fieldset>`,
      submit: ({ name, life }, form, key) => {
        const scopes = narrow
          ? [...form.querySelectorAll("[data-scope]:not([hidden]) :checked")].map((box) => box.value)
          : ["*"];
        const expiresInDays = life === "" ? null : Number(life);
        return api.post("/api/keys", { name, role, expiresInDays, scopes }, { key });
      },
    });
    function fit(form) {
      form.querySelector("[data-scopes]").hidden = !narrow;
      for (const label of form.querySelectorAll("[data-scope]"))
        label.hidden = !OF_ROLE[role].includes(label.dataset.scope);
    }
    if (!made) return;
    const { key, ...row } = made;
    keys.set([row, ...keys.get()]);
    await showOnce({
      title: `The key “${row.name}”`,
      what: "The key",
      secret: key,
      note: html`Send it as <code>Authorization: Bearer …</code>. Spotloom keeps only a hash of it.`,
    });
  }

  async revoke(key, button) {
    const sure = await agreed({
      title: `Revoke “${key.name}”?`,
      body: html`<p>
        It stops working at once and for good.
        ${key.seenAt ? html`It was last used ${ago(key.seenAt)}.` : "It was never used."}
      </p>`,
      confirm: "Revoke the key",
      danger: true,
    });
    if (!sure) return;
    try {
      await api.delete(`/api/keys/${key.id}`);
      const onward = nextTo(button.closest("tr"));
      keys.set(keys.get().filter((each) => each.id !== key.id));
      onward();
      toast(`“${key.name}” no longer works.`);
    } catch (error) {
      complain(error);
    }
  }

  render() {
    return html`<p class="intro">
        For programs. A key has one workspace, a role, and an end; give each program its own, with no more than it
        needs.
      </p>
      <section class="card flush" aria-labelledby="keys">
        <header class="line keep">
          <h2 id="keys">Keys</h2>
          <span class="push"></span>
          <button class="button primary" @click=${() => this.make()}>${icon("plus", "small")}Make a key</button>
        </header>
        ${
          keys.get().length
            ? html`<table class="table stacked">
                <thead>
                  <tr>
                    <th>Name</th>
                    <th>Begins with</th>
                    <th>May do</th>
                    <th>Last used</th>
                    <th>Expires</th>
                    <th><span class="unseen">Actions</span></th>
                  </tr>
                </thead>
                <tbody>
                  ${repeat(
                    keys.get(),
                    (each) => each.id,
                    (each) => this.row(each),
                  )}
                </tbody>
              </table>`
            : html`<div class="empty">
                ${icon("key-round", "large")}
                <p>There is no key yet. A program needs one to use the API.</p>
              </div>`
        }
      </section>`;
  }

  row(each) {
    const by = people.get(each.createdBy);
    return html`<tr>
      <td data-word="Name">
        <span
          ><span class="strong">${each.name}</span
          >${by ? html`<br /><span class="soft small">by ${by}</span>` : nothing}</span
        >
      </td>
      <td data-word="Begins with" class="mono">${each.prefix}…</td>
      <td data-word="May do">
        <span
          >${each.role}${each.scopes.includes("*") ? nothing : html`<br /><span class="soft small">${each.scopes.join(", ")}</span>`}</span
        >
      </td>
      <td data-word="Last used">
        ${each.seenAt ? html`<span title=${when(each.seenAt)}>${ago(each.seenAt)}</span>` : "never"}
      </td>
      <td data-word="Expires">${each.expiresAt ? date(each.expiresAt) : "never"}</td>
      <td class="acts"><button class="button small danger" @click=${(event) => this.revoke(each, event.target)}>Revoke</button></td>
    </tr>`;
  }
}
customElements.define("settings-keys", SettingsKeys);
