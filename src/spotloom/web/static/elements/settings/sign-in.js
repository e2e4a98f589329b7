// One's own sign-in: workspaces, password, and the browsers where one is signed in.
import { api } from "../../core/api.js";
import { agreed } from "../../core/dialog.js";
import { Element, icon, pageData } from "../../core/element.js";
import { ago, when } from "../../core/format.js";
import { complain, toast } from "../../core/toast.js";
import { html, nothing, repeat, signal } from "../../vendor/lit.js";
import { field } from "../parts/form.js";

const data = pageData();
const sessions = signal(data.sessions ?? []);

/** "Firefox on Linux", from what a browser says of itself. */
function browserOf(agent) {
  if (!agent) return "A browser that says nothing of itself";
  const named = [
    ["Edg/", "Edge"],
    ["OPR/", "Opera"],
    ["Firefox/", "Firefox"],
    ["Chrome/", "Chrome"],
    ["Safari/", "Safari"],
  ].find(([mark]) => agent.includes(mark));
  const system = [
    ["Android", "Android"],
    ["iPhone", "iPhone"],
    ["iPad", "iPad"],
    ["Mac OS X", "macOS"],
    ["Windows", "Windows"],
    ["Linux", "Linux"],
  ].find(([mark]) => agent.includes(mark));
  return named ? `${named[1]}${system ? ` on ${system[1]}` : ""}` : agent.slice(0, 60);
}

const secret = (name, fills) =>
  html`<input class="input" id="f-${name}" name=${name} type="password" autocomplete=${fills} maxlength="256" />`;

class SettingsSignIn extends Element {
  async move(workspace) {
    try {
      await api.post("/api/session/workspace", { workspaceId: workspace.id });
      location.assign("/");
    } catch (error) {
      complain(error);
    }
  }

  async save(event) {
    event.preventDefault();
    const form = event.target;
    const { current, password } = Object.fromEntries(new FormData(form));
    try {
      await api.put("/api/session/password", { current: current || null, password });
      form.reset();
      this.problems = {};
      data.session.hasPassword = true;
      sessions.set(sessions.get().filter((each) => each.current));
      toast("The password is saved. Your other browsers are signed out.");
    } catch (error) {
      this.problems = Object.fromEntries((error.errors ?? []).map((each) => [each.field, each.message]));
      if (!error.errors?.length) complain(error);
    }
    this.requestUpdate();
  }

  async end(session) {
    try {
      await api.delete(`/api/sessions/${session.id}`);
      if (session.current) location.assign("/sign-in");
      sessions.set(sessions.get().filter((each) => each.id !== session.id));
      toast("That browser is signed out.");
    } catch (error) {
      complain(error);
    }
  }

  async endAll() {
    const sure = await agreed({
      title: "Sign out everywhere?",
      body: html`<p>
        Every browser of yours is signed out, this one, too. Drafts in this browser are cleared. Campaigns go on.
      </p>`,
      confirm: "Sign out everywhere",
      danger: true,
    });
    if (!sure) return;
    try {
      await api.delete("/api/sessions");
      location.assign("/sign-in");
    } catch (error) {
      complain(error);
    }
  }

  render() {
    if (!data.session)
      return html`<p class="notice">
        ${icon("key-round")}<span>You are here with an API key, which has no sign-in of its own.</span>
      </p>`;
    return html`<div class="stack">${this.workspaces()}${this.password()}${this.browsers()}${this.ways()}</div>`;
  }

  workspaces() {
    return html`<section class="card" aria-labelledby="spaces">
      <h2 id="spaces">Workspace</h2>
      <ul class="rows">
        ${data.workspaces.map(
          (each) =>
            html`<li>
              <div class="who">
                <p class="strong">${each.name}</p>
                <p class="soft small">You are ${each.role === "viewer" ? "a" : "an"} ${each.role} there.</p>
              </div>
              ${each.current ? html`<span class="tag good">You are here</span>` : html`<button class="button small" @click=${() => this.move(each)}>Go there</button>`}
            </li>`,
        )}
      </ul>
    </section>`;
  }

  password() {
    const { maySetPassword, hasPassword } = data.session;
    if (!maySetPassword)
      return html`<section class="card" aria-labelledby="pass">
        <h2 id="pass">Password</h2>
        <p class="soft">You sign in through another service, which keeps your password. There is none here.</p>
      </section>`;
    const problems = this.problems ?? {};
    const said = (name) => problems[name] ?? null;
    return html`<section class="card" aria-labelledby="pass">
      <h2 id="pass">${hasPassword ? "Change your password" : "Set a password"}</h2>
      <p class="soft">
        ${hasPassword ? "Your other browsers are signed out by the change." : "With a password you sign in without a link, and Spotloom may be opened to other machines."}
      </p>
      <form class="fields" novalidate @submit=${(event) => this.save(event)}>
        <div class="two">
          ${hasPassword ? field("current", "Your current password", secret("current", "current-password"), { problem: said("current") }) : nothing}
          ${field("password", "A new one", secret("password", "new-password"), {
            hint: "At least 12 characters. A few words do well.",
            problem: said("password"),
          })}
        </div>
        <p><button class="button primary">Save the password</button></p>
      </form>
    </section>`;
  }

  browsers() {
    return html`<section class="card" aria-labelledby="where">
      <header>
        <h2 id="where">Where you are signed in</h2>
        <button class="button small danger" @click=${() => this.endAll()}>Sign out everywhere</button>
      </header>
      <ul class="rows">
        ${repeat(
          sessions.get(),
          (each) => each.id,
          (each) =>
            html`<li>
              <div class="who">
                <p class="strong">${browserOf(each.userAgent)}</p>
                <p class="soft small">
                  Since ${when(each.createdAt)}, last seen ${ago(each.seenAt)}, ends ${when(each.expiresAt)} at the
                  latest
                </p>
              </div>
              ${each.current ? html`<span class="tag good">This browser</span>` : nothing}<button
                class="button small"
                @click=${() => this.end(each)}
              >
                Sign out${each.current ? " here" : ""}
              </button>
            </li>`,
        )}
      </ul>
    </section>`;
  }

  ways() {
    const { password, passwordSet, oidc, clerk } = data.ways;
    const rows = [
      ["One-time link", "Always: spotloom login-link, on the machine that runs Spotloom.", true, "On"],
      [
        "Password",
        "For people who were invited here.",
        password && passwordSet,
        password ? (passwordSet ? "On" : "Nobody has set one") : "Off",
      ],
      [
        "OpenID Connect",
        oidc ? `Through ${oidc}.` : "Set SPOTLOOM_OIDC_ISSUER and SPOTLOOM_OIDC_CLIENT_ID for the server.",
        Boolean(oidc),
        oidc ? "On" : "Not set up",
      ],
      [
        "Clerk",
        clerk ? "Through your Clerk application." : "Set CLERK_PUBLISHABLE_KEY and CLERK_JWT_KEY for the server.",
        clerk,
        clerk ? "On" : "Not set up",
      ],
    ];
    return html`<section class="card" aria-labelledby="ways">
      <h2 id="ways">Ways to sign in here</h2>
      <ul class="rows">
        ${rows.map(
          ([name, about, on, word]) =>
            html`<li>
              <div class="who">
                <p class="strong">${name}</p>
                <p class="soft small">${about}</p>
              </div>
              <span class="tag ${on ? "good" : ""}">${word}</span>
            </li>`,
        )}
      </ul>
    </section>`;
  }
}
customElements.define("settings-sign-in", SettingsSignIn);
