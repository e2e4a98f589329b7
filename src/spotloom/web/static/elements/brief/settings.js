// How the videos are made: only what the chosen model offers.
import { icon } from "../../core/element.js";
import { date, money } from "../../core/format.js";
import { toast } from "../../core/toast.js";
import { html, ifDefined, live, nothing } from "../../vendor/lit.js";
import { dollars } from "../parts/amount.js";
import { change, data, form, modelOf } from "./draft.js";
import { describedBy, errorsBelow, errorsOf, idOf, leave } from "./fields.js";

const MOST_CHIPS = 8;
const USUAL = [5, 10, 15, 20, 30];
const PRIORITIES = { high: "High", normal: "Normal", low: "Low" };
const SECONDS = "seconds"; // the field's id
const SHAPES = { "9:16": "Upright", "16:9": "Wide", "1:1": "Square" };

export const settings = () =>
  html`<div class="settings">${models()}${durations()}${ratios()}${loop()}${priorities()}${budget()}</div>`;

const radio = (name, value, checked, pick, words) =>
  html`<label class="chip"
    ><input type="radio" name=${name} value=${value} .checked=${live(checked)} @change=${pick} />${words}</label
  >`;

function models() {
  const pick = (model) => () => {
    const before = form();
    change({ model: model.model });
    if (form().duration !== before.duration)
      toast(`${model.model} does not make ${before.duration} s; the videos are ${form().duration} s long now.`);
  };
  return html`<fieldset class="field" id=${idOf("model")}>
    <legend class="label">Model</legend>
    <div class="modelcards">
      ${data.models.map(
        (model) =>
          html` <label class="modelcard"
            ><input
              type="radio"
              name="model"
              .checked=${live(form().model === model.model)}
              @change=${pick(model)}
            /><span
              ><b>${model.model}</b>
              <small
                >${model.charges ? "" : "Forecast "}${money(model.perSecond)} for each second ·
                ${model.audio ? "with sound" : "silent"} <br />Price of ${date(model.priceAsOf)}</small
              ></span
            ></label
          >`,
      )}
    </div>
    <p class="hint">
      ${
        modelOf(form()).charges
          ? `Made and charged by ${modelOf(form()).provider}.`
          : "The sandbox draws each video as an animatic on this machine. Nothing is charged: sums are a forecast."
      }
    </p>
    ${errorsBelow("model")}
  </fieldset>`;
}

/** What the field shows: while somebody types "99." their characters, not our reading of them. */
function whileTyped(id, value) {
  const input = document.getElementById(id);
  return input && document.activeElement === input ? input.value : String(value);
}

function durations() {
  const offered = modelOf(form()).durations;
  const few = offered.length <= MOST_CHIPS;
  const chips = few ? offered : USUAL.filter((seconds) => offered.includes(seconds));
  const set = (seconds) => () => change({ duration: seconds });
  const typed = (event) => {
    const seconds = Number(event.target.value);
    if (offered.includes(seconds)) change({ duration: seconds });
  };
  const settle = (event) => (event.target.value = form().duration);
  const shown = whileTyped(SECONDS, form().duration);
  return html`<fieldset class="field" id=${idOf("duration")}>
    <legend class="label">Length</legend>
    <div class="chips">
      ${chips.map((seconds) => radio("duration", seconds, form().duration === seconds, set(seconds), `${seconds} s`))}
      ${
        few
          ? nothing
          : html`<label class="line keep small soft"
              >or
              <input
                class="input small seconds"
                id=${SECONDS}
                type="number"
                min=${offered[0]}
                max=${offered.at(-1)}
                step="1"
                aria-label="Length in seconds"
                .value=${live(shown)}
                @input=${typed}
                @blur=${settle}
              />
              s</label
            >`
      }
    </div>
    <p class="hint">${few ? "Seconds of each video." : `Whole seconds from ${offered[0]} to ${offered.at(-1)}.`}</p>
    ${errorsBelow("duration")}
  </fieldset>`;
}

function ratios() {
  const { sizes } = modelOf(form());
  return html`<fieldset class="field" id=${idOf("aspectRatio")}>
    <legend class="label">Format</legend>
    <div class="chips">
      ${Object.keys(sizes).map((ratio) =>
        radio(
          "aspectRatio",
          ratio,
          form().aspectRatio === ratio,
          () => change({ aspectRatio: ratio }),
          html`<i class="shape" data-ratio=${ratio} aria-hidden="true"></i>${SHAPES[ratio] ?? ""} ${ratio}`,
        ),
      )}
    </div>
    <p class="hint">${sizes[form().aspectRatio]?.replace("x", " × ")} pixels.</p>
    ${errorsBelow("aspectRatio")}
  </fieldset>`;
}

function loop() {
  if (!modelOf(form()).loop) return nothing;
  return html`<div class="field">
    <label class="check"
      ><input
        type="checkbox"
        id=${idOf("loop")}
        .checked=${live(form().loop)}
        @change=${(event) => change({ loop: event.target.checked })}
      />Seamless loop</label
    >
    <p class="hint">The last frame flows into the first.</p>
    ${errorsBelow("loop")}
  </div>`;
}

function priorities() {
  return html`<fieldset class="field" id=${idOf("priority")}>
    <legend class="label">Priority</legend>
    <div class="chips">
      ${Object.entries(PRIORITIES).map(([key, label]) =>
        radio("priority", key, form().priority === key, () => change({ priority: key }), label),
      )}
    </div>
    <p class="hint">Which videos start first, beside other campaigns.</p>
    ${errorsBelow("priority")}
  </fieldset>`;
}

function budget() {
  const value = form().budget;
  const write = (event) => {
    const typed = event.target.value;
    const amount = dollars(typed);
    change({ budget: Number.isNaN(amount) ? typed.trim() : amount });
  };
  const id = idOf("budget");
  return html`<div class="field">
    <label for=${id} class="line">Budget of this campaign<span class="optional">optional</span></label>
    <div class="withicon">
      ${icon("dollar-sign", "small")}<input
        class="input"
        id=${id}
        inputmode="decimal"
        autocomplete="off"
        placeholder="No cap of its own"
        aria-invalid=${errorsOf("budget").length > 0}
        aria-describedby=${ifDefined(describedBy("budget", "hint"))}
        .value=${live(whileTyped(id, value ?? ""))}
        @input=${write}
        @blur=${() => leave("budget")}
      />
    </div>
    <p class="hint" id="${id}-hint">In US dollars. Orders and retries above it are refused.</p>
    ${errorsBelow("budget")}
  </div>`;
}
