// The last look before money moves: the bill, the budgets, the time; and the button that orders.
import { Element, icon, may } from "../../core/element.js";
import { count, date, money, plural, span, when } from "../../core/format.js";
import { html, live, nothing, ref } from "../../vendor/lit.js";
import { forecast, price } from "../parts/price.js";
import { Poll } from "../parts/poll.js";
import { current, form, isBlank, nameBatch, space } from "./draft.js";
import { sentence } from "./fields.js";
import { slug } from "./download.js";
import { order, refused, sending } from "./order.js";
import { follow, planned } from "./plan.js";
import { lookAgain, standing } from "./standing.js";
import { above, boundBelow, cap } from "./ways.js";

const DAY = () => new Date().toISOString().slice(0, 10);
const LOOK_EVERY_MS = 60_000;
const videos = (plan) => plural(plan.totalVideos, "video");

/** A name of its own for every order: what it is, the day, and letters that no other has. */
const newName = () => `${slug(form().brand) || "batch"}-${DAY()}-${crypto.randomUUID().slice(0, 6)}`;

class BriefConfirm extends Element {
  connectedCallback() {
    super.connectedCallback();
    if (!current().batchId) nameBatch(newName());
    // Somebody may think for an hour: the finish, the queue and the budgets are asked for again meanwhile.
    this.poll = new Poll(LOOK_EVERY_MS, () => this.look());
    this.soon = () => this.poll.soon();
    addEventListener("focus", this.soon);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    removeEventListener("focus", this.soon);
    this.poll.stop();
  }

  async look() {
    if (isBlank(form()) || sending.get()) return;
    await Promise.all([follow.again(), lookAgain()]);
  }

  render() {
    const { state, plan, errors } = planned.get();
    if (state === "blank") return unready([{ field: "There is no brief", message: "in this browser yet." }]);
    if (state === "refused") return unready(errors);
    if (!plan)
      return state === "away"
        ? html`<p class="notice warn">
            ${icon("wifi-off")}<span>Spotloom does not answer. It is asked again by itself; nothing was ordered.</span>
          </p>`
        : html`<div class="order" aria-busy="true">
            <div class="skeleton waiting"></div>
            <div class="skeleton waiting"></div>
          </div>`;
    return html`<div class="order">
      <div class="stack">${bill(plan)}${terms(plan)}${warnings(plan)}</div>
      <aside class="stack" aria-label="The order">
        ${card(plan, state)}${state === "away" ? stale() : nothing}${naming()}${refusal(plan)}
      </aside>
    </div>`;
  }
}
customElements.define("brief-confirm", BriefConfirm);

const stale = () =>
  html`<p class="notice warn">
    ${icon("wifi-off")}<span>Spotloom does not answer, so these figures may be old. It is asked again by itself.</span>
  </p>`;

function unready(errors) {
  const over = space.get().kept > cap;
  return html`<div class="card empty">
    ${icon("circle-alert", "large")}
    <h2>
      ${over ? `${plural(space.get().kept, "video")}; a batch holds ${count(cap)}` : "The brief needs a change first"}
    </h2>
    ${
      over
        ? html`<p>
            Nothing is cut for you. Choose fewer options, or exclude ${count(space.get().kept - cap)} in the matrix.
          </p>`
        : html`<ul class="problems">
            ${errors.map((each) => html`<li>${each.field} ${each.message}</li>`)}
          </ul>`
    }
    <p class="line">
      <a class="button primary" href="/new">Edit the brief</a>${
        over && space.get().rows ? html`<a class="button" href="/new/matrix">Exclude in the matrix</a>` : nothing
      }
    </p>
  </div>`;
}

function bill(plan) {
  return html`<section class="card" aria-labelledby="bill">
    <h2 id="bill">What it costs</h2>
    <table class="bill">
      <thead>
        <tr>
          <th scope="col" class="soft small">Model and length</th>
          <th scope="col" class="soft small">Videos × each</th>
          <th scope="col" class="soft small">Sum</th>
        </tr>
      </thead>
      <tbody>
        ${plan.lines.map(
          (line) =>
            html`<tr>
              <td>${line.model}, ${line.duration} s</td>
              <td>${count(line.videos)} × ${money(line.each)}</td>
              <td>${money(line.total)}</td>
            </tr>`,
        )}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row" colspan="2">${plan.charges ? "Estimated cost" : "Forecast, at these prices"}</th>
          <td>${money(plan.estimatedCost)}</td>
        </tr>
        ${
          plan.charges
            ? nothing
            : html`<tr>
                <th scope="row" colspan="2">Charged here</th>
                <td>nothing</td>
              </tr>`
        }
      </tfoot>
    </table>
    <p class="small soft">
      ${money(plan.rate.perSecond)} for each second of video: ${plan.rate.source}, read ${date(plan.rate.asOf)}.
      ${plan.charges ? "Your provider's bill decides." : ""}
    </p>
    ${
      plan.totalExcluded
        ? html`<p class="small soft">
            ${plan.equation}; ${count(plan.totalExcluded)} excluded. <a href="/new/matrix?state=excluded">See them</a>
          </p>`
        : html`<p class="small soft">${plan.equation}.</p>`
    }
  </section>`;
}

function terms(plan) {
  const { caps, ahead } = standing.get();
  return html`<section class="card stack" aria-labelledby="terms">
    <h2 id="terms">Who makes them, and when</h2>
    <dl class="pairs">
      <dt>Made by</dt>
      <dd>
        ${
          plan.charges
            ? html`<b>${plan.provider}</b>, model ${plan.model}. This is real money: the provider charges your account
                for each video it makes.`
            : html`The <b>sandbox</b> on this machine: it draws each video as an animatic, a storyboard in motion.
                Nothing is charged.`
        }
      </dd>
      <dt>Expected</dt>
      <dd>
        About ${span(plan.expectedSeconds)} at ${plan.slots} at a time, done
        ${when(plan.expectedFinish)}${
          ahead
            ? html`; ${plural(ahead, "video")} of other campaigns ${ahead === 1 ? "is" : "are"} in the queue already, so
              it may be later`
            : nothing
        }.
      </dd>
      <dt>Format</dt>
      <dd>
        ${form().aspectRatio}, ${form().duration} s${form().loop ? ", seamless loop" : ""}, priority ${form().priority}
      </dd>
    </dl>
    <h3>Budget left</h3>
    ${plan.charges ? nothing : html`<p class="small soft">Nothing is charged, but the forecast counts against budgets.</p>`}
    <div class="budgets">
      ${budget("This campaign", plan.budget, 0, plan.estimatedCost)}
      ${budget("Today, all campaigns", caps.dailyBudget, caps.committedToday, plan.estimatedCost)}
      ${budget("This workspace", caps.budget, caps.committed, plan.estimatedCost)}
    </div>
  </section>`;
}

function budget(label, most, before, now) {
  if (most === null)
    return html`<p class="small">
      <b>${label}</b> <span class="soft">has no cap.${before ? ` ${money(before)} committed so far.` : ""}</span>
    </p>`;
  const left = Math.round((most - before - now) * 100) / 100;
  const part = (amount) =>
    ref((bar) => bar?.style.setProperty("--part", String(most > 0 ? Math.min(100, (amount / most) * 100) : 100)));
  return html`<div class="small ${left < 0 ? "over" : ""}" data-budget=${label}>
    <div class="line">
      <b>${label}</b
      ><span class="push"
        >${
          left < 0
            ? html`<b>${money(-left)} too much</b> for ${money(most)}`
            : html`${money(left)} of ${money(most)} left afterwards`
        }</span
      >
    </div>
    <div class="meter" aria-hidden="true">
      <i class="before" ${part(before)}></i><i class="now ${left < 0 ? "failed" : ""}" ${part(now)}></i>
    </div>
  </div>`;
}

const warnings = (plan) =>
  plan.warnings.length
    ? html`<section class="card stack tight" aria-labelledby="mind">
        <h2 id="mind">Before you pay</h2>
        ${plan.warnings.map(
          (each) =>
            html`<p class="notice warn">
              ${icon("triangle-alert")}<span
                >${sentence(each.message)}${
                  each.combinations.length ? html` <b>${plural(each.combinations.length, "video")}.</b>` : nothing
                }</span
              >
            </p>`,
        )}
      </section>`
    : nothing;

function card(plan, state) {
  const busy = sending.get() || state === "waiting";
  const bound = boundBelow(plan.estimatedCost);
  const words = `Generate ${videos(plan)} · ${price(plan.estimatedCost, plan.charges)}`;
  return html`<div class="moneycard">
    <p class="equation">${videos(plan)}</p>
    <p class="sum">${price(plan.estimatedCost, plan.charges)}</p>
    <p class="note">
      ${plan.charges ? "Set aside now, charged video by video." : `${forecast(plan.estimatedCost)}, what a paid provider would take at these prices.`}
    </p>
    ${bound ? short(plan, bound) : nothing}
    ${
      may("editor")
        ? html`<button
            class="button primary large"
            id="order"
            aria-busy=${busy}
            aria-disabled=${busy || bound !== null}
            aria-describedby=${bound ? "too-dear" : nothing}
            @click=${() => !busy && !bound && order(plan)}
          >
            ${sending.get() ? "Ordering…" : words}
          </button>`
        : html`<p class="note">Your role is viewer: you may plan here, and an editor orders.</p>`
    }
  </div>`;
}

/** Why it cannot be ordered, and what would help. */
const short = (plan, bound) =>
  html`<div class="short" id="too-dear">
    <p><b>${above(plan.estimatedCost, bound)}.</b></p>
    <p class="line">${cheaperWays(bound.own)}</p>
  </div>`;

const cheaperWays = (own) =>
  html`<a class="button small" href="/new/matrix">Exclude some</a
    ><a class="button small" href="/new#field-budget">Change the brief</a>${
      may("admin") && !own ? html`<a class="button small" href="/settings/budgets">Raise a budget</a>` : nothing
    }`;

const naming = () =>
  html`<div class="card stack tight naming">
    <div class="field">
      <label for="batch-name">Name of the batch</label
      ><input
        class="input"
        id="batch-name"
        maxlength="200"
        autocomplete="off"
        spellcheck="false"
        .value=${live(current().batchId)}
        @input=${(event) => nameBatch(event.target.value)}
        @change=${(event) => nameBatch(event.target.value.trim() || newName())}
      />
      <p class="hint">An order that is sent twice under one name is made once.</p>
    </div>
  </div>`;

// One function for all renders: a new one would be called, and take the focus, at each of them.
const focus = (box) => box && queueMicrotask(() => box.focus());

/** Why the order was not taken, and what to do. */
function refusal(plan) {
  const why = refused.get();
  if (!why) return nothing;
  const again = () => {
    refused.set(null);
    follow.again();
  };
  const renew = () => {
    nameBatch(newName());
    refused.set(null);
  };
  const ways = {
    difference: html`<button class="button small" @click=${again}>Work it out again</button>`,
    budget: cheaperWays(false),
    conflict: html`<a class="button small" href="/campaigns/${encodeURIComponent(current().batchId)}">See that batch</a
      ><button class="button small" @click=${renew}>Use a new name</button>`,
    brief: html`<a class="button small" href="/new">Edit the brief</a>`,
    lost: html`<button class="button small" @click=${() => order(plan)}>Ask again</button>`,
  }[why.kind];
  return html`<div class="notice bad" role="alert" data-kind=${why.kind} tabindex="-1" ${ref(focus)}>
    ${icon("circle-alert")}
    <div class="stack tight">
      <b>${why.title}</b>
      <p>${why.text}</p>
      ${
        why.list.length > 1
          ? html`<ul class="problems">
              ${why.list.map((each) => html`<li>${each}</li>`)}
            </ul>`
          : nothing
      }${ways ? html`<p class="line">${ways}</p>` : nothing}
    </div>
  </div>`;
}

follow({ everyRow: true });
