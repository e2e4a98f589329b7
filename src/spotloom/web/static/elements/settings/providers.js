// Providers: which are set up, how to set up the rest, whether they answer, and what they charge.
import { api } from "../../core/api.js";
import { Element, icon, may, pageData } from "../../core/element.js";
import { date, money, plural, when } from "../../core/format.js";
import { announce, complain } from "../../core/toast.js";
import { html, nothing, signal } from "../../vendor/lit.js";

const { providers, prices } = pageData();
const answers = signal({}); // by provider: null while it is asked
const ABOUT = {
  sandbox:
    "Comes with Spotloom, and draws each video as an animatic (a storyboard in motion) on this machine. It needs no key and charges nothing; every price is a forecast.",
  "openai-videos":
    "Any server with the /v1/videos interface: SGLang Diffusion, vLLM-Omni, the LiteLLM proxy, or a vendor's gateway.",
};

const exactly = new Intl.NumberFormat("en-US", {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 2,
  maximumFractionDigits: 4,
});
const exact = (amount) => exactly.format(amount);
/** One line for each model of a seller, with its price at each size of picture. */
const sold = Object.values(Object.groupBy(prices, ({ seller, model }) => `${seller} ${model}`)).map((same) => ({
  ...same[0],
  each: same.map(({ resolution, perSecond }) => [resolution, perSecond]),
}));

const ranges = (numbers) => (numbers.length > 12 ? `${numbers[0]} to ${numbers.at(-1)} s` : `${numbers.join(", ")} s`);

class SettingsProviders extends Element {
  async test(provider) {
    answers.set({ ...answers.get(), [provider.name]: null });
    try {
      const answer = await api.post(`/api/providers/${provider.name}/test`);
      answers.set({ ...answers.get(), [provider.name]: answer });
      announce(`${provider.name}: ${answer.says}`);
    } catch (error) {
      const { [provider.name]: _, ...rest } = answers.get();
      answers.set(rest);
      complain(error);
    }
  }

  render() {
    return html`<p class="intro">
        Where videos are made. You set a provider up on the server, in its environment or its <code>.env</code> file, so
        that no key ever passes through this page. After a change, start the server again.
      </p>
      <div class="stack">${providers.map((provider) => this.provider(provider))}${this.sellers()}</div>`;
  }

  provider(provider) {
    const lacking = provider.settings.filter((setting) => setting.needed && !setting.isSet);
    return html`<article class="card" aria-labelledby="p-${provider.name}">
      <header>
        <h2 id="p-${provider.name}">${provider.name}</h2>
        ${provider.default ? html`<span class="tag good">New batches go here</span>` : nothing}
        <span class="tag ${provider.configured ? "" : "warn"}">${provider.configured ? "Set up" : "Not set up"}</span>
      </header>
      <p class="soft">${ABOUT[provider.name] ?? ""}</p>
      ${
        lacking.length
          ? html`<p class="notice warn">
              ${icon("triangle-alert")}<span
                >To use it, set ${lacking.map((each, at) => html`${at ? ", " : ""}<code>${each.name}</code>`)} for the
                server.</span
              >
            </p>`
          : nothing
      }
      ${this.settings(provider)}
      <div class="line">
        ${provider.account ? html`<span class="soft small">${this.manner(provider)}</span>` : nothing}<span
          class="push"
        ></span
        >${this.tester(provider)}
      </div>
      ${this.answer(answers.get()[provider.name])} ${this.models(provider)}
    </article>`;
  }

  /** How it is worked with, in a sentence or two. */
  manner({ concurrent, pollSeconds, dialect, charges, account }) {
    const every = pollSeconds === 1 ? "second" : `${pollSeconds} seconds`;
    return html`Makes up to ${plural(concurrent, "video")} at once, and is asked every ${every} how far they
    are.${charges ? html`<br />Reached at <span class="mono">${account}</span>, in the ${dialect} dialect of /v1/videos.` : nothing}`;
  }

  settings(provider) {
    return html`<ul class="rows" aria-label="Settings">
      ${provider.settings.map(
        (setting) =>
          html`<li>
            <div class="who">
              <p class="settingname">${setting.name}</p>
              <p class="soft small">${setting.about}</p>
            </div>
            <span class="tag ${setting.isSet ? "good" : ""}"
              >${setting.isSet ? "Set" : setting.needed ? "Needed" : "Optional"}</span
            >
          </li>`,
      )}
    </ul>`;
  }

  tester(provider) {
    if (!may("admin")) return html`<span class="soft small">Admins can test it here.</span>`;
    const asking = answers.get()[provider.name] === null;
    return html`<button class="button" ?disabled=${asking} aria-busy=${asking} @click=${() => this.test(provider)}>
      ${icon("activity", "small")}${asking ? "Asking…" : "Test"}
    </button>`;
  }

  answer(answer) {
    if (!answer) return nothing;
    return html`<div class="notice answer ${answer.well ? "good" : "bad"}" role="status">
      ${icon(answer.well ? "circle-check" : "circle-alert")}
      <div>
        <p>${answer.says}</p>
        <p class="small">Asked ${when(answer.at)}, answered in ${answer.milliseconds} ms. Nothing was ordered.</p>
      </div>
    </div>`;
  }

  models(provider) {
    return html`<details class="models">
      <summary>${plural(provider.models.length, "model")}: what they make, at what price</summary>
      <div class="scroller" tabindex="0" role="region" aria-label="Models of ${provider.name}">
        <table class="table stacked">
          <thead>
            <tr>
              <th>Model</th>
              <th>Lengths</th>
              <th>Sizes</th>
              <th>Also</th>
              <th class="number">Each second</th>
              <th>Price read</th>
            </tr>
          </thead>
          <tbody>
            ${provider.models.map(
              (model) =>
                html`<tr>
                  <td data-word="Model" class="strong">${model.model}</td>
                  <td data-word="Lengths">${ranges(model.durations)}</td>
                  <td data-word="Sizes">
                    ${Object.entries(model.sizes)
                      .map(([ratio, size]) => `${ratio} (${size})`)
                      .join(", ")}
                  </td>
                  <td data-word="Also">
                    ${[model.audio && "sound", model.loop && "seamless loop"].filter(Boolean).join(", ") || "–"}
                  </td>
                  <td data-word="Each second" class="number">
                    ${money(model.perSecond)}${model.charges ? "" : html`<br /><span class="soft small">forecast</span>`}
                  </td>
                  <td data-word="Price read">
                    <span
                      >${date(model.priceAsOf)}<br /><span class="soft small source">${model.priceSource}</span></span
                    >
                  </td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>`;
  }

  sellers() {
    return html`<section class="card" aria-labelledby="sellers">
      <header><h2 id="sellers">What other models cost</h2></header>
      <p class="soft">
        To compare with: Spotloom does not make videos with these. Prices change, so each has the day on which it was
        read, and where.
      </p>
      <div class="scroller" tabindex="0" role="region" aria-label="Prices of other models">
        <table class="table prices stacked">
          <thead>
            <tr>
              <th>Model</th>
              <th>Seller</th>
              <th>Each second of video</th>
              <th>Read</th>
            </tr>
          </thead>
          <tbody>
            ${sold.map(
              (price) =>
                html`<tr>
                  <td data-word="Model" class="strong">${price.model}</td>
                  <td data-word="Seller">${price.seller}</td>
                  <td data-word="Each second">
                    <ul class="perpicture">
                      ${price.each.map(([picture, perSecond]) => html`<li><span class="soft">${picture}</span> ${exact(perSecond)}</li>`)}
                    </ul>
                  </td>
                  <td data-word="Read">
                    <span>${date(price.asOf)}<br /><span class="soft small source">${price.source}</span></span>
                  </td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>`;
  }
}
customElements.define("settings-providers", SettingsProviders);
