// Members: who is here, as what; invitations, roles, and taking somebody out.
import { api } from "../../core/api.js";
import { agreed } from "../../core/dialog.js";
import { Element, icon, pageData } from "../../core/element.js";
import { when } from "../../core/format.js";
import { complain, toast } from "../../core/toast.js";
import { html, nothing, repeat, signal } from "../../vendor/lit.js";
import { nextTo } from "../parts/focus.js";
import { askFor, field } from "../parts/form.js";
import { showOnce } from "../parts/secret.js";

const data = pageData();
const members = signal(data.members);
const invitations = signal(data.invitations);
const ROLES = {
  viewer: "Sees everything, changes nothing.",
  editor: "Also writes briefs, orders within the budgets, reviews, retries and cancels.",
  admin: "Also deletes, sets budgets and how many videos are made at once, and manages members, keys and integrations.",
};

class SettingsMembers extends Element {
  async invite() {
    const made = await askFor({
      title: "Invite somebody",
      confirm: "Make the link",
      body: (problem) =>
        html`${field(
            "email",
            "Their address",
            html`<input
              class="input"
              id="f-email"
              name="email"
              type="email"
              autocomplete="off"
              required
              aria-invalid=${problem("email") ? "true" : "false"}
            />`,
            { hint: "The invitation works for this address alone, once, within a week.", problem: problem("email") },
          )}
          <fieldset class="scopes">
            <legend class="label">Role</legend>
            ${Object.entries(ROLES).map(
              ([role, does]) =>
                html`<label class="check"
                  ><input type="radio" name="role" value=${role} ?checked=${role === "editor"} />
                  <span>${role}<span class="soft small">${does}</span></span></label
                >`,
            )}
          </fieldset>`,
      submit: ({ email, role }, _, key) => api.post("/api/invitations", { email, role }, { key }),
    });
    if (!made) return;
    const { link, ...invitation } = made;
    invitations.set([invitation, ...invitations.get().filter((each) => each.email !== invitation.email)]);
    await showOnce({
      title: `Invitation for ${invitation.email}`,
      what: "The link",
      secret: link,
      note: "Spotloom sends no mail: give them the link yourself.",
    });
  }

  async change(member, role, select) {
    const before = member.role;
    const put = (next) =>
      members.set(members.get().map((each) => (each.personId === member.personId ? { ...each, role: next } : each)));
    put(role);
    try {
      await api.patch(`/api/members/${member.personId}`, { role });
      toast(`${member.name} is ${role === "viewer" ? "a" : "an"} ${role} now.`, {
        action: { label: "Undo", run: () => this.change({ ...member, role }, before, select) },
      });
      if (member.personId === data.me) location.reload();
    } catch (error) {
      put(before);
      select.value = before;
      complain(error);
    }
  }

  async remove(member, button) {
    const sure = await agreed({
      title: `Remove ${member.name}?`,
      body: html`<p>
        They are signed out here at once, and the API keys that they made stop working: whatever runs with one stops,
        too.
      </p>`,
      confirm: `Remove ${member.name}`,
      danger: true,
    });
    if (!sure) return;
    try {
      await api.delete(`/api/members/${member.personId}`);
      const onward = nextTo(button.closest("tr"));
      members.set(members.get().filter((each) => each.personId !== member.personId));
      onward();
      toast(`${member.name} is no longer a member.`);
      if (member.personId === data.me) location.assign("/sign-in");
    } catch (error) {
      complain(error);
    }
  }

  async takeBack(invitation, button) {
    try {
      await api.delete(`/api/invitations/${invitation.id}`);
      const onward = nextTo(button.closest("tr"));
      invitations.set(invitations.get().filter((each) => each.id !== invitation.id));
      onward();
      toast(`The invitation for ${invitation.email} no longer works.`);
    } catch (error) {
      complain(error);
    }
  }

  render() {
    return html`<div class="stack">
      <section class="card flush" aria-labelledby="who">
        <header class="line keep">
          <h2 id="who">Members</h2>
          <span class="push"></span>
          <button class="button primary" @click=${() => this.invite()}>${icon("plus", "small")}Invite</button>
        </header>
        <table class="table stacked">
          <thead>
            <tr>
              <th>Name</th>
              <th>Address</th>
              <th>Role</th>
              <th><span class="unseen">Actions</span></th>
            </tr>
          </thead>
          <tbody>
            ${repeat(
              members.get(),
              (each) => each.personId,
              (each) => this.member(each),
            )}
          </tbody>
        </table>
      </section>
      ${
        invitations.get().length
          ? html`<section class="card flush" aria-labelledby="open">
              <header><h2 id="open">Open invitations</h2></header>
              <table class="table stacked">
                <thead>
                  <tr>
                    <th>Address</th>
                    <th>Role</th>
                    <th>Works until</th>
                    <th><span class="unseen">Actions</span></th>
                  </tr>
                </thead>
                <tbody>
                  ${repeat(
                    invitations.get(),
                    (each) => each.id,
                    (each) =>
                      html`<tr>
                        <td data-word="Address">${each.email}</td>
                        <td data-word="Role">${each.role}</td>
                        <td data-word="Until">${when(each.expiresAt)}</td>
                        <td class="acts">
                          <button class="button small" @click=${(event) => this.takeBack(each, event.target)}>Withdraw</button>
                        </td>
                      </tr>`,
                  )}
                </tbody>
              </table>
            </section>`
          : nothing
      }
      <section class="card" aria-labelledby="roles">
        <h2 id="roles">What each role may do</h2>
        <dl class="pairs">
          ${Object.entries(ROLES).map(
            ([role, does]) =>
              html`<dt>${role}</dt>
                <dd>${does}</dd>`,
          )}
        </dl>
      </section>
    </div>`;
  }

  member(each) {
    const me = each.personId === data.me;
    return html`<tr>
      <td data-word="Name">
        <span><span class="strong">${each.name}</span>${me ? html` <span class="tag">you</span>` : nothing}</span>
      </td>
      <td data-word="Address">${each.email ?? "–"}</td>
      <td data-word="Role">
        <select
          class="input"
          aria-label="Role of ${each.name}"
          .value=${each.role}
          @change=${(event) => this.change(each, event.target.value, event.target)}
        >
          ${Object.keys(ROLES).map((role) => html`<option value=${role} ?selected=${role === each.role}>${role}</option>`)}
        </select>
      </td>
      <td class="acts"><button class="button small danger" @click=${(event) => this.remove(each, event.target)}>Remove</button></td>
    </tr>`;
  }
}
customElements.define("settings-members", SettingsMembers);
