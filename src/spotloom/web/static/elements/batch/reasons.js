// Why videos failed, in groups that people can act on.
import { page } from "./store.js";

const KINDS = [
  {
    id: "moderation",
    codes: /moderat|policy|safety|sensitive|sexual|content_filter/,
    title: "Refused by the provider's moderation",
    advice: "The same words will be refused again. Edit the idea in a new brief; nothing is retried by itself.",
    edit: true,
  },
  {
    id: "credit",
    codes: /credit|billing|quota|payment|insufficient|budget/,
    title: "No credit at the provider",
    advice: "Top up the account at the provider, then retry.",
  },
  {
    id: "order",
    codes: /invalid|unsupported|no_variant|not_found/,
    title: "The provider did not take the order",
    advice: "Something in the order does not suit this model, such as its length or shape. Change it in a new brief.",
    edit: true,
  },
  {
    id: "file",
    codes: /damaged|no_file|too_large/,
    title: "The file could not be had",
    advice: `The video was made, but its file was no use. A retry fetches it again ${page.free ? "first" : "first, at no cost"}.`,
  },
  {
    id: "unplayable",
    codes: /unplayable|wrong_type/,
    title: "The file came damaged",
    advice: "The video was made, but it cannot be played. A retry makes it anew.",
  },
];
const EXPIRED = {
  id: "expired",
  title: "The file was gone before we had it",
  advice: `The provider dropped it${page.free ? "" : ", after it was charged"}. A retry makes it anew.`,
};
const LOST = {
  id: "lost",
  title: "The provider no longer knows it",
  advice: `It may have been ${page.free ? "made" : "charged"}. Look at the provider's own list before you retry: a retry ${page.free ? "makes" : "buys"} it again.`,
};
const OTHER = {
  id: "provider",
  title: "The provider could not make it",
  advice: "The fault is on the provider's side. A retry often helps.",
};

/** The group of a video that failed. */
export function reason({ status, error }) {
  if (status === "expired") return EXPIRED;
  if (status === "lost") return LOST;
  return KINDS.find((kind) => kind.codes.test(error ?? "")) ?? OTHER;
}

/** The failed videos by reason, largest group first. */
export function grouped(failed) {
  const groups = new Map();
  for (const video of failed) {
    const kind = reason(video.now);
    if (!groups.has(kind)) groups.set(kind, []);
    groups.get(kind).push(video);
  }
  return [...groups]
    .map(([kind, list]) => ({ ...kind, videos: list }))
    .sort((a, b) => b.videos.length - a.videos.length);
}

/** Whether a retry with the same words is no use: what was asked for must be changed. */
export const wantsEdit = (video) => Boolean(reason(video.now).edit);

/** The brief anew, with only the videos that failed as these did; the others are left out. */
export function editAddress(videos) {
  const errors = [...new Set(videos.map((video) => video.now.error).filter(Boolean))];
  return `/new?${new URLSearchParams([["from", page.id], ["only", "failed"], ...errors.map((each) => ["error", each])])}`;
}
