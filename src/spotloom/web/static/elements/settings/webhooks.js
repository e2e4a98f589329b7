// Outbound webhooks: addresses that are told of our events, and what became of telling them.
import { api } from "../../core/api.js";
import { agreed } from "../../core/dialog.js";
import { Element, icon, pageData } from "../../core/element.js";
import { plural, when } from "../../core/format.js";
import { complain, toast } from "../../core/toast.js";
import { html, nothing, repeat, signal } from "../../vendor/lit.js";
import { nextTo } from "../parts/focus.js";
import { askFor, field } from "../parts/form.js";
import { showOnce } from "../parts/secret.js";
import "./deliveries.js";

const hooks = signal(pageData().hooks);
const EVENTS = {
  "batch.completed": "Every video of a batch has ended.",
  "video.completed": "A video is finished.",
  "video.failed": "A video ended without a file.",
  "budget.reached": "A budget kept something from being ordered.",
};
const shown = () => new URL(location.href).searchParams.get("hook");

class SettingsWebhooks extends Element {
  async add() {
    const made = await askFor({
      title: "Add a webhook",
      confirm: "Add the webhook",
      body: (problem) =>
        html`${field(
            "url",
            "Address",
            html`<input
              class="input"
              id="f-url"
              name="url"
              type="url"
              placeholder="https://"
              autocomplete="off"
              aria-invalid=${problem("url") ? "true" : "false"}
            />`,
            {
              hint: "Reached from the server. Addresses of inner networks are refused unless SPOTLOOM_REACH names them.",
              problem: problem("url"),
            },
          )}
          <fieldset class="scopes">
            <legend class="label">When</legend>
            ${Object.entries(EVENTS).map(
              ([event, says]) =>
                html`<label class="check"
                  ><input type="checkbox" name="events" value=${event} checked />
                  <span><code>${event}</code><span class="soft small">${says}</span></span></label
                >`,
            )}
          </fieldset>
          ${problem("events") ? html`<p class="bad small">Choose one event or more.</p>` : nothing}`,
      submit: ({ url }, form, key) => {
        const events = [...form.querySelectorAll("[name=events]:checked")].map((box) => box.value);
        return api.post("/api/hooks", { url, events }, { key });
      },
    });
    if (!made) return;
    const { secret, ...hook } = made;
    hooks.set([...hooks.get(), hook]);
    await showOnce({
      title: "The webhook’s secret",
      what: "The secret",
      secret,
      note: "With it the receiver checks the signature of each delivery, in the headers of Standard Webhooks.",
    });
  }

  async change(hook, changes, said) {
    try {
      const newer = await api.patch(`/api/hooks/${hook.id}`, changes);
      hooks.set(hooks.get().map((each) => (each.id === newer.id ? newer : each)));
      toast(said, {
        action: {
          label: "Undo",
          run: () => this.change(hook, { enabled: hook.enabled, events: hook.events }, "As it was."),
        },
      });
    } catch (error) {
      complain(error);
    }
  }

  async remove(hook, button) {
    const sure = await agreed({
      title: "Delete this webhook?",
      body: html`<p>
        Nothing more is sent to ${hook.url}, not even what waits for it. Its secret cannot be had again.
      </p>`,
      confirm: "Delete the webhook",
      danger: true,
    });
    if (!sure) return;
    try {
      await api.delete(`/api/hooks/${hook.id}`);
      const onward = nextTo(button.closest("article"));
      hooks.set(hooks.get().filter((each) => each.id !== hook.id));
      onward();
      toast("The webhook is deleted.");
    } catch (error) {
      complain(error);
    }
  }

  look(hook) {
    const next = new URL(location.href);
    if (shown() === hook.id) next.searchParams.delete("hook");
    else next.searchParams.set("hook", hook.id);
    history.replaceState(null, "", next);
    this.requestUpdate();
  }

  render() {
    return html`<p class="intro">
        Spotloom sends a signed message to these addresses when something happens, and tries again for hours while they
        do not answer. ${plural(20, "webhook")} at most.
      </p>
      <div class="stack">
        <div class="line">
          <button class="button primary" @click=${() => this.add()}>${icon("plus", "small")}Add a webhook</button>
        </div>
        ${
          hooks.get().length
            ? repeat(
                hooks.get(),
                (hook) => hook.id,
                (hook) => this.hook(hook),
              )
            : html`<div class="empty card">
                ${icon("send", "large")}
                <p>No webhook yet. Add the address of your own server, of a chat, or of an automation.</p>
              </div>`
        }
      </div>`;
  }

  hook(hook) {
    const open = shown() === hook.id;
    return html`<article class="card" aria-label=${hook.url}>
      <header>
        <h3 class="clip">${hook.url}</h3>
        <span class="tag ${hook.enabled ? "good" : "warn"}">${hook.enabled ? "On" : "Paused"}</span>
      </header>
      <p class="line">
        ${hook.events.map((event) => html`<span class="tag">${event}</span>`)}<span class="soft small"
          >since ${when(hook.createdAt)}</span
        >
      </p>
      <p class="line acts">
        <button class="button small" aria-expanded=${open} @click=${() => this.look(hook)}>
          ${icon(open ? "chevron-up" : "chevron-down", "small")}Deliveries
        </button>
        <button
          class="button small"
          @click=${() => this.change(hook, { enabled: !hook.enabled }, hook.enabled ? "Paused. What happens meanwhile waits for it." : "On again.")}
        >
          ${hook.enabled ? "Pause" : "Resume"}
        </button>
        <button class="button small danger" @click=${(event) => this.remove(hook, event.target)}>Delete</button>
      </p>
      ${open ? html`<hook-deliveries .hook=${hook.id}></hook-deliveries>` : nothing}
    </article>`;
  }
}
customElements.define("settings-webhooks", SettingsWebhooks);
