// How one video looks: as a row of the table, and as a card with its poster.
import { icon, may } from "../../core/element.js";
import { STATUS, money } from "../../core/format.js";
import { html, nothing } from "../../vendor/lit.js";
import { FREE, forecast } from "../parts/price.js";
import { go, select, selection } from "./view.js";
import { mediaUrl, peekAt, play, scrub, unpeek, unscrub } from "./player.js";
import { reason } from "./reasons.js";
import { page, varying } from "./store.js";

const REVIEW = { approved: ["thumbs-up", "Approved"], rejected: ["thumbs-down", "Rejected"] };
const many = page.dimensions.length;
/** The dimensions that a row shows; where nothing varies there is one row, or all are alike. */
export const columns = varying.length
  ? varying
  : page.dimensions.slice(0, Math.min(many, 4)).map((dimension, place) => ({ ...dimension, place }));

const check = (video, cell) =>
  html`<span class="pick" role=${cell ?? nothing}
    ><input
      type="checkbox"
      tabindex="-1"
      aria-label="Select video ${video.position + 1}"
      .checked=${selection.get().has(video.key)}
      @click=${(event) => event.stopPropagation()}
      @change=${(event) => select([video.key], event.target.checked)}
  /></span>`;

export const status = ({ status: word, progress, error }) =>
  html`<span class="status ${word}"
    >${STATUS[word]}${
      word === "generating" && progress !== null
        ? html`<progress max="100" value=${progress} aria-label="Progress"></progress><small>${progress} %</small>`
        : nothing
    }${
      ["failed", "expired", "lost"].includes(word)
        ? html`<small class="clip why" title=${reason({ status: word, error }).title}
            >${reason({ status: word, error }).title}</small
          >`
        : nothing
    }</span
  >`;

const verdict = ({ review, winner }) =>
  html`${
    winner
      ? html`<span class="winner" title="Winner">${icon("trophy", "small")}<span class="unseen">Winner</span></span>`
      : nothing
  }${
    REVIEW[review]
      ? html`<span class=${review} title=${REVIEW[review][1]}
          >${icon(REVIEW[review][0], "small")}<span class="unseen">${REVIEW[review][1]}</span></span
        >`
      : nothing
  }`;

function cost(video, { actual }) {
  if (page.free) return html`<span class="soft" title=${forecast(video.cost)}>${FREE}</span>`;
  return actual === null ? html`<span class="soft" title="Estimated">${money(video.cost)}</span>` : money(actual);
}

export function row(video) {
  const now = video.now;
  const { poster, video: film } = now.files;
  return html`${check(video, "gridcell")}<span role="gridcell" class="no soft">${video.position + 1}</span
    ><span role="gridcell" class="thumb"
      >${
        poster
          ? html`<button
              class="frame"
              tabindex="-1"
              aria-label="Play video ${video.position + 1}"
              ?disabled=${!film}
              @pointermove=${(event) => peekAt(event, video)}
              @pointerleave=${unpeek}
              @click=${(event) => {
                event.stopPropagation();
                unpeek();
                play(video);
              }}
            >
              <img src=${mediaUrl(poster)} alt="" loading="lazy" decoding="async" width="24" height="32" />
            </button>`
          : html`<i class="frame"></i>`
      }</span
    ><span role="gridcell" class="words clip" title=${video.title}>${video.short}</span>${columns.map(
      (each) => html`<span role="gridcell" class="dim clip">${video.words[each.place]}</span>`,
    )}<span role="gridcell" class="state">${status(now)}</span
    ><span role="gridcell" class="tries soft">${now.attempt > 1 ? `${now.attempt} tries` : nothing}</span
    ><span role="gridcell" class="cost number">${cost(video, now)}</span
    ><span role="gridcell" class="said">${verdict(now)}</span>`;
}

export function card(video) {
  const now = video.now;
  const { poster, sprite } = now.files;
  return html`<div class="media" @pointermove=${(event) => scrub(event, sprite)} @pointerleave=${unscrub}>
      ${
        poster
          ? html`<img src=${mediaUrl(poster)} alt="" loading="lazy" decoding="async" />
              <button
                class="playmark"
                tabindex="-1"
                aria-label="Play video ${video.position + 1}"
                @click=${(event) => {
                  event.stopPropagation();
                  play(video, event.currentTarget.closest(".media"));
                }}
              >
                ${icon("play")}
              </button>`
          : html`<span class="waiting">${status(now)}</span>`
      }${check(video)}<span class="said">${verdict(now)}</span>
    </div>
    <button class="about" tabindex="-1" title=${video.title} @click=${() => go({ video: video.key })}>
      <span class="strong two">${video.position + 1}. ${video.short}</span
      ><span class="line keep small"
        >${
          poster
            ? status(now)
            : html`<span class="soft">${now.attempt > 1 ? `${now.attempt} tries` : "First try"}</span>`
        }<span class="push">${cost(video, now)}</span></span
      >
    </button>`;
}

export const editor = may("editor");
