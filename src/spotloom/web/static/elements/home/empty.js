// The home of a workspace without campaigns: a welcome, and the way to the first videos.
import { Element, icon, may } from "../../core/element.js";
import { html } from "../../vendor/lit.js";

const STEPS = [
  ["pencil", "Write one brief", "The idea, what to show, what to say, and the choices to try."],
  [
    "layers",
    "See every combination",
    "Choices multiply into videos. Strike out what you do not want; the cost is known before anything is made.",
  ],
  ["clapperboard", "Watch, review, learn", "Videos arrive one by one. Approve, reject, mark winners."],
];

class HomeEmpty extends Element {
  static properties = { free: { attribute: false } };

  render() {
    return html`<section class="welcome card" aria-labelledby="welcome">
      <div class="reel" aria-hidden="true">${[0, 1, 2, 3, 4, 5, 6].map(() => html`<i></i>`)}</div>
      <h1 id="welcome">Welcome to Spotloom</h1>
      ${may("editor") ? this.begin() : html`<p class="lead">There is no campaign yet. As a viewer you will see every campaign and video here once an editor has started one.</p>`}
      <ol class="steps">
        ${STEPS.map(
          ([name, word, more]) =>
            html`<li>
              ${icon(name)}
              <h2>${word}</h2>
              <p class="soft">${more}</p>
            </li>`,
        )}
      </ol>
    </section>`;
  }

  begin() {
    return html`<p class="lead">
        One brief becomes hundreds of videos, each on brand, none paid for twice. Begin with the sample:
        ${
          this.free
            ? "twelve videos of 10 seconds, drawn by the sandbox on this machine in a few minutes. It costs nothing, and nothing leaves this machine."
            : "twelve videos of 10 seconds for a small brand. You see the price before anything is ordered."
        }
      </p>
      <p class="line">
        <a class="button primary large" href="/new?sample=1">${icon("sparkles")}Start with the sample brief</a>
        <a class="button large" href="/new">Write your own brief</a>
      </p>`;
  }
}
customElements.define("home-empty", HomeEmpty);
