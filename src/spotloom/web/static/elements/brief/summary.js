// Always beside the brief: the equation, the cost, the time, what does not fit together, and what would fit.
import { Element, icon } from "../../core/element.js";
import { count, money, plural, span } from "../../core/format.js";
import { toast } from "../../core/toast.js";
import { html, nothing, signal } from "../../vendor/lit.js";
import { forecast, price } from "../parts/price.js";
import { changeBack, data, each, form, modelOf, space, unsaved, vocabulary } from "./draft.js";
import { includeAll } from "./exclusions.js";
import { sentence } from "./fields.js";
import { onward } from "./onward.js";
import { planned } from "./plan.js";
import { holds } from "./space.js";
import { above, boundBelow, cap, cheaper, fewer, outcome } from "./ways.js";

const open = signal(false);

/** `5 × 4 × 11 × 3 = 660 videos`, and what exclusions leave of it. */
function equation() {
  const { factors, total, kept, missing } = space.get();
  if (missing.length)
    return html`<p class="equation">
      ${missing.length === vocabulary.dimensions.filter((one) => one.required).length ? "Nothing chosen yet" : `${plural(missing.length, "choice")} to go`}
    </p>`;
  return html`<p class="equation" data-total=${total}>
      ${factors ? html`${factors} = ` : nothing}<b>${plural(total, "video")}</b>
    </p>
    ${kept < total ? html`<p class="note" data-kept=${kept}>− ${count(total - kept)} excluded = <b>${plural(kept, "video")}</b></p>` : nothing}`;
}

/** The cost of what is kept: the server's figure as soon as it is there. */
const cost = () => fresh()?.estimatedCost ?? Math.round(each() * space.get().kept * 100) / 100;
const free = () => !modelOf(form()).charges;
const seconds = () =>
  fresh()?.expectedSeconds ?? Math.ceil(space.get().kept / Math.max(1, data.slots)) * data.typicalVideoSeconds;

/** The server's plan where it is of the draft as it stands. */
function fresh() {
  const { state, plan } = planned.get();
  return state === "ok" ? plan : null;
}

function time() {
  const { kept } = space.get();
  return data.slots
    ? `About ${span(seconds())} at ${data.slots} at a time`
    : `${plural(kept, "video")} would wait: the lane's limit is 0`;
}

class BriefSummary extends Element {
  static properties = { step: {} };

  render() {
    const { missing, kept } = space.get();
    const ready = !missing.length;
    const isOpen = open.get();
    const rules = met();
    const troubles = rules.length + (kept > cap ? 1 : 0);
    return html`<div class="summary ${isOpen ? "isopen" : ""}">
      <div class="moneycard">
        <div class="figures" aria-live="polite" aria-atomic="true">
          ${equation()} ${ready ? html`<p class="sum">${price(cost(), !free())}</p>` : nothing}
        </div>
        ${
          ready
            ? html`<p class="note">
                  ${free() ? html`<b class="forecast">${forecast(cost())}</b>: ` : nothing}${plural(kept, "video")} ×
                  ${money(each())}
                </p>
                <p class="note">${time()}</p>`
            : html`<p class="note">Choose at least one option of ${missing.map((one) => one.label).join(", ")}.</p>`
        }
        <button
          class="opener button small narrow-only"
          aria-expanded=${isOpen}
          aria-controls="summary-more"
          @click=${() => open.set(!isOpen)}
        >
          ${icon(isOpen ? "chevron-down" : "chevron-up", "small")}${troubles ? plural(troubles, "remark") : "Details"}
        </button>
      </div>
      ${onward(this.step)}
      <div class="more stack tight" id="summary-more">
        ${line()}${fits()}${rules.map(conflict)}${remarks()}${exclusions()}${
          unsaved.get()
            ? html`<p class="notice warn">
                ${icon("triangle-alert")}<span
                  >This browser does not keep the draft: it is lost when you leave. Export it as a file.</span
                >
              </p>`
            : nothing
        }
      </div>
    </div>`;
  }
}
customElements.define("brief-summary", BriefSummary);

function line() {
  const { state } = planned.get();
  if (state === "away")
    return html`<p class="notice warn">
      ${icon("wifi-off")}<span>Spotloom does not answer. What you write is kept; it is asked again by itself.</span>
    </p>`;
  if (state === "slow")
    return html`<p class="notice">
      ${icon("timer")}<span>Too many questions at once; the plan follows in a moment.</span>
    </p>`;
  return nothing;
}

const apply = (way) => () => toast(`${way.text}: done.`, { action: { label: "Undo", run: changeBack(way.change) } });
const offered = (ways) =>
  html`<ul class="ways">
    ${ways.map(
      (way) =>
        html`<li>
          <button class="way" @click=${apply(way)}><span>${way.text}</span><b>${outcome(way)}</b></button>
        </li>`,
    )}
  </ul>`;

function fits() {
  const { kept, exact, missing } = space.get();
  if (kept === 0 && !missing.length)
    return html`<p class="notice bad">
      ${icon("circle-x")}<span>Everything is excluded: there is no video to make.</span>
    </p>`;
  const bound = boundBelow(cost());
  const over =
    kept > cap
      ? html`<b>${plural(kept, "video")}${exact ? "" : " at most"}; a batch holds ${count(cap)}.</b> Nothing is cut for
          you.`
      : null;
  const dear = bound ? html`<b>${above(cost(), bound)}.</b>` : null;
  return html`${over ? tooMuch("cap", "triangle-alert", over, fewer(cap)) : nothing}
  ${dear ? tooMuch("budget", "wallet", dear, [...fewer(Math.floor((bound.left + 1e-9) / each())), ...cheaper(bound)]) : nothing}`;
}

const tooMuch = (kind, sign, words, ways) =>
  html`<section class="notice warn" data-notice=${kind}>
    ${icon(sign)}
    <div class="stack tight">
      <p>${words}${ways.length ? " To fit:" : ""}</p>
      ${offered(ways)}
    </div>
  </section>`;

/** What the vocabulary's rules say of the choices, with how many videos each concerns. */
function met() {
  const { rows } = space.get();
  if (!rows) return [];
  return vocabulary.rules
    .map((rule) => ({
      rule,
      many: rows.filter((row) => (rule.effect === "exclude" || !row.why) && holds(rule.when, row.values)).length,
    }))
    .filter((one) => one.many);
}

const conflict = ({ rule, many }) =>
  html`<p class="notice ${rule.effect === "warn" ? "warn" : ""}" data-rule=${rule.key}>
    ${icon(rule.effect === "warn" ? "triangle-alert" : "ban")}
    <span
      >${rule.reason}
      <b
        >${rule.effect === "warn" ? `${plural(many, "video")} ${many === 1 ? "is" : "are"} like this.` : `${plural(many, "combination")} left out.`}</b
      ></span
    >
  </p>`;

/** What else the server remarks, such as a field that nothing uses. */
function remarks() {
  const rules = new Set(vocabulary.rules.map((rule) => rule.key));
  const own = (planned.get().plan?.warnings ?? []).filter((each) => !rules.has(each.rule));
  return own.map(
    (each) => html`<p class="notice warn">${icon("triangle-alert")}<span>${sentence(each.message)}</span></p>`,
  );
}

function exclusions() {
  const { exclude } = form();
  if (!exclude.length) return nothing;
  return html`<p class="notice">
    ${icon("eye-off")}<span
      >${plural(exclude.length, "exclusion")} of yours ${exclude.length === 1 ? "stays" : "stay"} with the brief while
      you edit it. <button class="textbutton" @click=${includeAll}>Remove all exclusions</button></span
    >
  </p>`;
}
