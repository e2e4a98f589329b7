// The form of the brief: the idea, what multiplies, and how it is made.
import { Element, icon } from "../../core/element.js";
import { plural } from "../../core/format.js";
import { html, nothing } from "../../vendor/lit.js";
import { audience, main } from "./choices.js";
import { vocabulary } from "./draft.js";
import { problems, sentence, text, tried } from "./fields.js";
import { focusField } from "./onward.js";
import { settings } from "./settings.js";

class BriefForm extends Element {
  render() {
    return html`${wrong()}
      <section class="card stack" aria-labelledby="section-idea">
        <h2 id="section-idea">Brand, idea and messages</h2>
        <div class="two">
          ${text("brand", { label: "Brand", most: 80, required: true, hint: "As it is written on the product." })}
          ${text("productCategory", { label: "Product category", most: 120, example: "headphones you can repair" })}
        </div>
        ${text("bigIdea", { label: "Big idea", most: 600, required: true, long: true, hint: "The one thing people should remember. Every video tells it." })}
        <div class="two">
          ${text("visualMessaging", { label: "What people see", most: 1000, long: true, hint: "The picture that must be in it." })}
          ${text("audioMessaging", { label: "What people hear", most: 1000, long: true, hint: "The words to be said, or shown where nobody speaks." })}
        </div>
        <div class="two">
          ${text("callToAction", { label: "Call to action", most: 120, example: "See what's inside" })}
          ${text("landingUrl", { label: "Landing page", most: 500, type: "url", example: "https://…/new" })}
        </div>
      </section>
      <section class="card stack" aria-labelledby="section-choices">
        <header class="line">
          <h2 id="section-choices">What varies</h2>
          <p class="soft small">Each option you add multiplies the videos.</p>
        </header>
        ${main()}${audience()}
      </section>
      <section class="card stack" aria-labelledby="section-settings">
        <h2 id="section-settings">How they are made</h2>
        ${settings()}
      </section>`;
  }
}
customElements.define("brief-form", BriefForm);

const LABELS = {
  brand: "Brand",
  bigIdea: "Big idea",
  visualMessaging: "What people see",
  audioMessaging: "What people hear",
  productCategory: "Product category",
  heroVoDescription: "The voice",
  callToAction: "Call to action",
  landingUrl: "Landing page",
  animationStyle: "Animation style",
  model: "Model",
  duration: "Length",
  aspectRatio: "Format",
  budget: "Budget",
  exclude: "Exclusions",
  dimensions: "What varies",
  ...Object.fromEntries(vocabulary.dimensions.map((dimension) => [`dimensions.${dimension.key}`, dimension.label])),
};

/** What is to be changed, each a way to its field. */
function wrong() {
  const found = tried.get() ? problems() : [];
  if (!found.length) return nothing;
  return html`<div class="notice bad" id="brief-problems" role="alert" aria-atomic="false" tabindex="-1">
    ${icon("circle-alert")}
    <div>
      <b>${plural(found.length, "thing")} to change first</b>
      <ul class="problems">
        ${found.map(
          (each) =>
            html`<li>
              <button class="textbutton" @click=${() => focusField(each.field)}>
                ${LABELS[each.field] ?? each.field}
              </button>
              ${LABELS[each.field] ? each.message : sentence(each.message)}
            </li>`,
        )}
      </ul>
    </div>
  </div>`;
}
