// About: the release that runs here, and where it keeps things.
import { Element, icon, may, pageData } from "../../core/element.js";
import { html } from "../../vendor/lit.js";
import { copyButton } from "../parts/copy.js";

const about = pageData();

class SettingsAbout extends Element {
  render() {
    return html`<div class="stack">
      <section class="card" aria-labelledby="release">
        <h2 id="release">Spotloom ${about.version}</h2>
        <dl class="pairs">
          <dt>Workspace</dt>
          <dd>${about.workspace}</dd>
          <dt>Address</dt>
          <dd>${about.publicUrl}</dd>
          <dt>Licence</dt>
          <dd>Apache License 2.0</dd>
          <dt>API</dt>
          <dd><a href="/api/openapi.json">The OpenAPI document</a></dd>
        </dl>
      </section>
      ${
        about.places.length
          ? html`<section class="card" aria-labelledby="places">
              <h2 id="places">Where things are kept</h2>
              <ul class="rows">
                ${about.places.map(
                  ({ name, where }) =>
                    html`<li>
                      <div class="who">
                        <p class="soft small">${name}</p>
                        <p class="mono">${where}</p>
                      </div>
                      ${copyButton(where, name, "small")}
                    </li>`,
                )}
              </ul>
            </section>`
          : html`<p class="notice">
              ${icon("shield")}<span
                >Where data is kept is shown to admins of the installation’s own
                workspace${may("admin") ? ", which is another one" : ""}.</span
              >
            </p>`
      }
      <section class="card" aria-labelledby="self">
        <h2 id="self">Nothing leaves this server by itself</h2>
        <p class="soft">
          Pages load nothing from other hosts. Spotloom speaks to the providers that you set up, to the webhooks that
          you add, and to nobody else.
        </p>
      </section>
    </div>`;
  }
}
customElements.define("settings-about", SettingsAbout);
