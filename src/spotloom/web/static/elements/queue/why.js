// Why a lane starts nothing, and why a video is where it is in the queue, in plain words.
import { count, plural, when } from "../../core/format.js";

/** Why the video comes in this place: priority, then fairness between campaigns, then first come. */
export function whyNext(video, before) {
  const reasons = [];
  if (video.priority !== "normal") reasons.push(`${video.priority} priority`);
  const held = video.campaignHolds;
  if (held === 0 && video.turn === 1) reasons.push("its campaign has no slot yet");
  else if (
    before &&
    before.campaignId !== video.campaignId &&
    before.priority === video.priority &&
    before.turn === video.turn
  )
    reasons.push("came later, equal otherwise");
  else reasons.push(`${count(video.turn - 1)} of this campaign ${video.turn === 2 ? "is" : "are"} ahead of it`);
  return reasons.join(", ");
}

/** How the lane stands: `{look, word, says, resumes}`; `seconds` until it opens by itself, if it does. */
export function laneState(lane, now) {
  const reason = lane.reason ?? "No reason was given.";
  const full = sentence(reason);
  if (lane.blocked) {
    const person = /^paused by /.test(reason);
    return {
      look: person ? "warn" : "bad",
      word: person ? "Paused" : "Blocked",
      closed: true,
      blocked: true,
      says: person
        ? `${full} Nothing starts until somebody resumes it; what is at the provider goes on.`
        : `${full} Nothing was bought since. Mend the cause, test the provider in the settings, then resume.`,
    };
  }
  const seconds = lane.pausedUntil ? (Date.parse(lane.pausedUntil) - now) / 1000 : 0;
  if (seconds > 0) {
    return {
      look: "warn",
      word: `Opens in ${Math.ceil(seconds)} s`,
      closed: true,
      seconds,
      says: `${full} The lane opens by itself at ${when(lane.pausedUntil)}. No video failed, and none was paid for twice.`,
    };
  }
  if (lane.limit === 0)
    return {
      look: "warn",
      word: "Limit is 0",
      closed: true,
      says: "The limit is 0 videos at once, so nothing starts. Raise it to go on.",
    };
  const others = lane.othersHold ?? 0;
  const wants = lane.waiting > (lane.heldBack ?? 0) && lane.held < lane.limit;
  if (wants && others && lane.held + others >= lane.accountLimit) {
    const slots = `${count(others)} of the account's ${plural(lane.accountLimit, "slot")} ${others === 1 ? "is" : "are"}`;
    return {
      look: "warn",
      word: "Shared account",
      says: `${slots} in use by other workspaces. A video of yours starts when one comes free.`,
    };
  }
  if (lane.adaptedLimit !== null && lane.adaptedLimit < lane.limit) {
    return {
      look: "warn",
      word: `Slower: ${lane.adaptedLimit} at once`,
      says: `The provider took no more than ${plural(lane.adaptedLimit, "video")} at once. The lane grows by one slot after every few that are accepted, up to ${lane.limit}.`,
    };
  }
  return { look: "good", word: "Open", says: "" };
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
