// Posters, hover scrub, and the one video that plays: in its card, in the drawer, or in a corner beside the rows.
import { icon } from "../../core/element.js";
import { announce } from "../../core/toast.js";
import { html, render, signal } from "../../vendor/lit.js";
import { moment } from "../parts/sprite.js";

export const mediaUrl = (asset) => `/api/media/${asset}`;

let sound = false;
export const playing = signal(null); // the video that plays

const film = document.createElement("video");
film.playsInline = film.loop = film.muted = true;
film.addEventListener("ended", stop);
let dock = null;

// In a card there is no room for the browser's own controls: a click stops, and this gives it a voice.
const ear = document.createElement("button");
ear.className = "ear";
ear.addEventListener("click", (event) => {
  event.stopPropagation();
  toggleSound();
});

function drawEar() {
  ear.setAttribute("aria-label", film.muted ? "Sound on" : "Sound off");
  render(icon(film.muted ? "volume-x" : "volume-2", "small"), ear);
}

/** Stop, and leave the poster. */
export function stop() {
  if (!playing.get()) return;
  film.pause();
  film.remove();
  ear.remove();
  film.removeAttribute("src");
  film.load();
  playing.set(null);
  if (dock) dock.hidden = true;
}

export function toggleSound() {
  sound = !sound;
  film.muted = !sound;
  drawEar();
  announce(sound ? "Sound on" : "Sound off");
  if (dock && !dock.hidden) drawDock();
}

function drawDock() {
  const video = playing.get();
  render(
    html`<div class="media" id="dock-media"></div>
      <footer class="line keep">
        <span class="clip small">${video.position + 1}. ${video.short}</span>
        <button
          class="button quiet small iconic push"
          aria-label=${sound ? "Sound off" : "Sound on"}
          @click=${toggleSound}
        >
          ${icon(sound ? "volume-2" : "volume-x", "small")}
        </button>
        <button class="button quiet small iconic" aria-label="Stop playing" @click=${stop}>
          ${icon("x", "small")}
        </button>
      </footer>`,
    dock,
  );
}

/** Play the video in that box, or in the corner where there is none; the same one again stops. */
export function play(video, box = null) {
  const file = video.now.files.video;
  if (!file) return;
  const again = playing.get() === video && (box ? box.contains(film) : !dock?.hidden);
  stop();
  if (again) return;
  playing.set(video);
  if (!box) {
    if (!dock) {
      dock = document.createElement("aside");
      dock.className = "dock noprint";
      dock.setAttribute("aria-label", "Player");
      document.body.append(dock);
    }
    dock.hidden = false;
    drawDock();
    box = dock.querySelector(".media");
  }
  film.setAttribute("aria-label", `Video ${video.position + 1}, ${video.title}`);
  film.controls = box.closest("dialog") !== null;
  film.src = mediaUrl(file);
  film.muted = !sound;
  box.append(film);
  if (box.closest(".vid")) box.append(ear);
  drawEar();
  film.play().catch(() => {
    // A browser that wants a click first for sound plays without it.
    film.muted = true;
    drawEar();
    return film.play().catch(() => {});
  });
}

/** Show the moment of the sprite that lies under the pointer. */
export function scrub(event, asset) {
  const box = event.currentTarget;
  if (!asset || box.contains(film)) return;
  let sheet = box.querySelector(".scrub");
  if (!sheet) {
    sheet = document.createElement("i");
    sheet.className = "scrub";
    sheet.style.backgroundImage = `url("${mediaUrl(asset)}")`;
    box.append(sheet);
  }
  const { position, end } = moment(event, box);
  sheet.style.backgroundPosition = position;
  sheet.style.setProperty("--at", `${end * 100}%`);
}

export const unscrub = (event) => event.currentTarget.querySelector(".scrub")?.remove();

let peek = null;

/** Beside a small poster: a large one that follows the pointer through the film. */
export function peekAt(event, video) {
  const { poster, sprite } = video.now.files;
  if (!sprite || event.pointerType === "touch") return;
  if (!peek) {
    peek = document.createElement("div");
    peek.className = "peek media";
    peek.setAttribute("aria-hidden", "true");
    document.body.append(peek);
  }
  if (peek.dataset.asset !== sprite) {
    peek.dataset.asset = sprite;
    render(html`<i class="scrub"></i>`, peek);
    const sheet = peek.firstElementChild;
    sheet.style.backgroundImage = `url("${mediaUrl(sprite)}"), url("${mediaUrl(poster)}")`;
  }
  const box = event.currentTarget.getBoundingClientRect();
  peek.firstElementChild.style.backgroundPosition = `${moment(event, event.currentTarget).position}, center`;
  peek.hidden = false;
  peek.style.left = `${box.right + 12}px`;
  peek.style.top = `${Math.max(64, Math.min(innerHeight - peek.offsetHeight - 12, box.top - peek.offsetHeight / 2))}px`;
}

export function unpeek() {
  if (peek) peek.hidden = true;
}
