// The eleven dimensions as chips: what is chosen of each, with help, all or none at a click.
import { icon } from "../../core/element.js";
import { plural } from "../../core/format.js";
import { html, live, nothing, signal } from "../../vendor/lit.js";
import { change, choose, form, isAnimated, isVoiced, vocabulary } from "./draft.js";
import { describedBy, errorsBelow, idOf, leave, text } from "./fields.js";
import { ANY } from "./space.js";

const pointed = signal({ dimension: "", help: "" });
let opened = false; // the audience, once something of it was chosen: from then on people open and close it

const HELP = {
  funnelLevel: "How far the viewer is on the way to buying.",
  aesthetic: "How it is shot or drawn.",
  type: "What kind of story it tells.",
  intention: "What it should do to the viewer.",
  mood: "How it feels.",
  audioStyle: "What is heard.",
  ageGeneration: "How old the lead is.",
  gender: "Who the lead is.",
  orientation: "Who belongs together.",
  lifeStage: "Where in life the lead stands.",
  ethnicity: "Who is seen.",
};

/** The required dimensions, each with the field that depends on it. */
export const main = () =>
  vocabulary.dimensions
    .filter((dimension) => dimension.required)
    .map((each) => html`${group(each)}${dependent(each.key)}`);

/** Who is shown: optional, and open to anyone where nothing is chosen. */
export function audience() {
  const optional = vocabulary.dimensions.filter((dimension) => !dimension.required);
  const chosen = optional.filter((dimension) => form().dimensions[dimension.key].length).length;
  opened ||= chosen > 0;
  return html`<details class="audience" ?open=${opened}>
    <summary>
      <h3>Audience</h3>
      <span class="soft small"
        >${chosen ? `${plural(chosen, "dimension")} chosen` : "Optional: left open, anyone may be shown"}</span
      >${icon("chevron-down", "small")}
    </summary>
    <div class="stack">${optional.map(group)}</div>
  </details>`;
}

function dependent(key) {
  if (key === "aesthetic" && isAnimated(form())) return styles();
  if (key === "audioStyle" && isVoiced(form())) {
    return html`<div class="dependent">
      ${text("heroVoDescription", {
        label: "The voice",
        most: 400,
        long: true,
        hint: "Who speaks the voice-over, and how. Heard only with a VO audio style.",
        example: "A woman in her forties, dry and unhurried.",
      })}
    </div>`;
  }
  return nothing;
}

function styles() {
  const pick = (key) => () => change({ animationStyle: key });
  const one = (key, label, help) =>
    html`<label class="chip" title=${help}
      ><input
        type="radio"
        name="animationStyle"
        .checked=${live(form().animationStyle === key)}
        @change=${pick(key)}
      />${label}</label
    >`;
  return html`<fieldset class="dependent field" id=${idOf("animationStyle")}>
    <legend class="label">
      Animation style <span class="optional">only for the animated looks; does not multiply</span>
    </legend>
    <div class="chips">
      ${one("", "No particular style", "The model decides.")}${vocabulary.animationStyles.map((style) =>
        one(style.key, style.label, style.help),
      )}
    </div>
    ${errorsBelow("animationStyle")}
  </fieldset>`;
}

function group(dimension) {
  const field = `dimensions.${dimension.key}`;
  const chosen = form().dimensions[dimension.key];
  const named = dimension.options.filter((option) => option.key !== ANY);
  const every = named.every((option) => chosen.includes(option.key));
  const many = chosen.length || (dimension.required ? 0 : 1);
  const help = pointed.get().dimension === dimension.key ? pointed.get().help : (HELP[dimension.key] ?? "");
  const all = () =>
    choose(
      dimension.key,
      named.map((option) => option.key),
    );
  const none = () => {
    choose(dimension.key, []);
    leave(field);
  };
  return html`<fieldset
    class="field dimension"
    id=${idOf(field)}
    tabindex="-1"
    aria-describedby=${describedBy(field, " ") ?? nothing}
    @keydown=${walk}
  >
    <legend class="label">
      ${dimension.label} <span class="factor" data-many=${many}>${many > 1 ? `× ${many}` : ""}</span>
    </legend>
    <div class="allnone">
      <button
        type="button"
        class="textbutton"
        ?disabled=${every}
        aria-label="Choose all of ${dimension.label}"
        @click=${all}
      >
        all
      </button>
      <button
        type="button"
        class="textbutton"
        ?disabled=${!chosen.length}
        aria-label="Choose none of ${dimension.label}"
        @click=${none}
      >
        none
      </button>
    </div>
    <div class="chips" @pointerleave=${() => pointed.set({ dimension: "", help: "" })}>
      ${dimension.options.map((option) => chip(dimension, option, chosen))}
    </div>
    <p class="hint" id="${idOf(field)}-hint">${help || " "}</p>
    ${errorsBelow(field)}
  </fieldset>`;
}

function chip(dimension, option, chosen) {
  const implied = option.key === ANY && !chosen.length;
  const point = () => pointed.set({ dimension: dimension.key, help: `${option.label}: ${option.help}` });
  const toggle = (event) => {
    const next = event.target.checked ? [...chosen, option.key] : chosen.filter((key) => key !== option.key);
    choose(dimension.key, next.length === 1 && next[0] === ANY ? [] : next);
    leave(`dimensions.${dimension.key}`);
  };
  return html`<label class="chip" @pointerenter=${point}
    ><input
      type="checkbox"
      .checked=${live(chosen.includes(option.key) || implied)}
      aria-description=${option.help}
      @focus=${point}
      @change=${toggle}
    />${option.label}</label
  >`;
}

/** Arrow keys go from chip to chip, Home and End to the first and last. */
function walk(event) {
  const chips = [...event.currentTarget.querySelectorAll("input[type=checkbox]")];
  const at = chips.indexOf(event.target);
  const to = {
    ArrowRight: at + 1,
    ArrowDown: at + 1,
    ArrowLeft: at - 1,
    ArrowUp: at - 1,
    Home: 0,
    End: chips.length - 1,
  }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  chips.at(to % chips.length).focus();
}
