// What the page knows: each video with a signal of its own, the batch's figures, and the line that keeps both true.
import { each as allOf } from "../../core/api.js";
import { pageData } from "../../core/element.js";
import { BatchLine } from "../../core/live.js";
import { computed, signal } from "../../vendor/lit.js";

export const page = pageData();
export const path = `/api/campaigns/${page.id}`;
export const batch = `/api/batch/${page.id}`;

const changed = new Set(); // videos that the next frame must draw
const drawers = new Set();
let frame = 0;

/** Be told, once a frame, of the videos that have changed. */
export function onFrame(draw) {
  drawers.add(draw);
}

function flush() {
  frame = 0;
  const videos = new Set(changed);
  changed.clear();
  for (const draw of drawers) draw(videos);
}

class Video {
  constructor([key, places, cost, ...live], position) {
    Object.assign(this, { key, places, cost, position });
    this.words = places.map((place, dimension) => page.dimensions[dimension].options[place][1]);
    this.title =
      this.words.filter((_, dimension) => page.dimensions[dimension].options.length > 1).join(", ") ||
      this.words.join(", ");
    // What neighbours differ in comes first: the last dimension changes fastest.
    this.short =
      this.words
        .filter((_, dimension) => page.dimensions[dimension].options.length > 1)
        .reverse()
        .join(", ") || this.title;
    this.text = `${this.words.join(" ")} ${key} ${position + 1}`.toLowerCase();
    const [status, attempt, progress, error, review, winner, version, priority, actual, video, poster, sprite] = live;
    this.told = {
      status,
      attempt,
      progress,
      error,
      review,
      winner: Boolean(winner),
      version,
      priority,
      actual,
      files: { video, poster, sprite },
    };
    this.now = this.told; // what is shown
    this.live = signal(this.now); // for who follows this one video
    this.wishes = []; // changes that the server has not confirmed, oldest first
  }

  /** Take the server's word; what was wished of the video and is on its way stays to be seen. */
  take({ version, review, winner, ...rest }) {
    // An answer that comes late does not undo a later one.
    const said = version < this.told.version ? {} : { version, review, winner };
    this.told = { ...this.told, ...rest, ...said };
    this.show();
  }

  /** Show at once what is asked of the server; answers how to say that it is over, whatever came of it. */
  wish(change) {
    this.wishes.push(change);
    this.show();
    return () => {
      this.wishes = this.wishes.filter((each) => each !== change);
      this.show();
    };
  }

  show() {
    this.now = Object.assign({ ...this.told }, ...this.wishes);
    this.live.set(this.now);
    changed.add(this);
    frame ||= requestAnimationFrame(flush);
  }
}

export const videos = page.videos.map((row, position) => new Video(row, position));
export const byKey = new Map(videos.map((video) => [video.key, video]));
/** The dimensions in which the videos differ; the others are said once. */
export const varying = page.dimensions
  .map((dimension, place) => ({ ...dimension, place }))
  .filter((each) => each.options.length > 1);

const { lanes: lanesNow, ...figuresNow } = page.status;
export const figures = signal(figuresNow);
/** When the figures came, by this machine's clock: what they say of the finish counts from then. */
export const takenAt = signal(Date.now());
export const lanes = signal(lanesNow);
export const gone = signal(false);

/** A figure that elements follow: videos in any of these states. */
export const counted = (states) => states.reduce((sum, status) => sum + figures.get().counts[status], 0);
export const over = computed(() => figures.get().over === figures.get().totalVideos);

/** The videos in these states, as they are now. */
export const inStates = (states) => videos.filter((video) => states.includes(video.now.status));

/** Take newer figures of the whole batch. */
export function takeFigures(now) {
  figures.set(now);
  takenAt.set(Date.now());
}

function take({ videos: told, ...header }) {
  takeFigures(header);
  for (const each of told) {
    byKey.get(each.combinationId)?.take({
      status: each.status,
      attempt: each.attempt,
      progress: each.progress ?? null,
      error: each.error ?? null,
      review: each.review,
      winner: Boolean(each.winner),
      version: each.version,
      priority: each.priority ?? 1,
      actual: each.actualCost ?? null,
      files: each.files ?? {},
    });
  }
}

const assetOf = (file) => (file ? new URL(file.url, location.href).pathname.split("/").at(-1) : undefined);

/** Read every video anew, for when no event tells of them. */
export async function readVideos() {
  for await (const each of allOf(`${path}/combinations?limit=200`)) {
    const { video, poster, sprite } = each.files;
    byKey.get(each.combinationId)?.take({
      status: each.status,
      attempt: each.attempts,
      progress: each.progress,
      error: each.error?.code ?? null,
      review: each.review,
      winner: each.winner,
      version: each.version,
      actual: each.actualCost,
      files: { video: assetOf(video), poster: assetOf(poster), sprite: assetOf(sprite) },
    });
  }
}

export const line = new BatchLine(page.id, {
  since: page.since,
  on: { snapshot: take, delta: take, gone: () => gone.set(true) },
});
