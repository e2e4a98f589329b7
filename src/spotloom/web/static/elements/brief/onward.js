// The way on from the brief, and from the matrix: what keeps you here is told where it is.
import { icon } from "../../core/element.js";
import { plural } from "../../core/format.js";
import { toast } from "../../core/toast.js";
import { html, nothing, signal } from "../../vendor/lit.js";
import { space } from "./draft.js";
import { idOf, problems, tried } from "./fields.js";
import { planned, settled } from "./plan.js";
import { cap } from "./ways.js";

const going = signal(false);
const AWAY =
  "Spotloom does not answer, so the matrix cannot be worked out yet. What you wrote is kept; try again soon.";
const SLOW = "The server has too many questions at once. Try again in a few seconds.";

/** The buttons at the foot of the summary. */
export function onward(step) {
  const { kept, missing } = space.get();
  if (step === "matrix") {
    const stuck = missing.length || kept === 0 || kept > cap;
    return html`<div class="onward">
      <a
        class="button primary large"
        aria-disabled=${stuck ? "true" : "false"}
        href=${stuck ? "#" : "/new/confirm"}
        @click=${(event) => stuck && event.preventDefault()}
        >Go on with ${plural(kept, "video")}${icon("arrow-right", "small")}</a
      >
      <a class="button quiet" href="/new">${icon("arrow-left", "small")}Edit the brief</a>
    </div>`;
  }
  return html`<div class="onward">
    <button class="button primary large" id="onward" aria-busy=${going.get()} @click=${toMatrix}>
      ${missing.length ? "See the matrix" : `See the matrix of ${plural(kept, "video")}`}${icon("arrow-right", "small")}
    </button>
    ${tried.get() && problems().length ? html`<p class="small bad" role="status">${plural(problems().length, "thing")} to change first.</p>` : nothing}
  </div>`;
}

/** Go to the matrix once the server has nothing against the brief; else to the first field it names. */
export async function toMatrix() {
  if (going.get()) return;
  going.set(true);
  tried.set(true);
  await settled();
  going.set(false);
  if (planned.get().state === "ok" || (planned.get().state === "refused" && !problems().length && space.get().rows))
    location.assign("/new/matrix");
  else if (planned.get().state === "away") toast(AWAY, { kind: "bad" });
  else if (planned.get().state === "slow") toast(SLOW);
  else if (problems().length) requestAnimationFrame(() => focusField(problems()[0].field));
}

/** Bring a field into view and into focus, and open what hides it. */
export function focusField(field) {
  const place = document.getElementById(idOf(field)) ?? document.getElementById("brief-problems");
  place?.closest("details:not([open])")?.setAttribute("open", "");
  const control = place?.matches("fieldset") ? (place.querySelector("input, button") ?? place) : place;
  control?.scrollIntoView({ block: "center" });
  control?.focus({ preventScroll: true });
}
