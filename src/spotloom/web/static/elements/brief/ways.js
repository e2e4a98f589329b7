// What brings a brief under the cap or the budget: concrete, each with the change that does it.
import { money, plural } from "../../core/format.js";
import { data, each, form, modelOf, space, vocabulary } from "./draft.js";
import { product } from "./space.js";
import { standing } from "./standing.js";

const MOST_WAYS = 3;
const MOST_NAMED = 4;

export const cap = vocabulary.mostVideos;
const listed = (words) => (words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : words[0]);

/** The least of what may still be spent, and whose budget that is; null where nothing bounds it. */
function tightest() {
  const { caps } = standing.get();
  const left = (budget, committed) => (budget === null ? Infinity : Math.max(0, budget - committed));
  const own = typeof form().budget === "number" ? form().budget : Infinity;
  const bounds = [
    { left: own, whose: "this campaign's budget", own: true },
    { left: left(caps.dailyBudget, caps.committedToday), whose: "what is left of today's budget" },
    { left: left(caps.budget, caps.committed), whose: "what is left of the workspace's budget" },
  ];
  const least = bounds.reduce((one, other) => (other.left < one.left ? other : one));
  return least.left === Infinity ? null : least;
}

/** The bound that a sum goes over, as `tightest` tells it; null where it goes over none. */
export function boundBelow(sum) {
  const bound = tightest();
  return bound && sum > bound.left + 0.001 ? bound : null;
}

/** In words: "$60.00 is $20.00 above this campaign's budget ($40.00)". */
export const above = (sum, { left, whose }) => `${money(sum)} is ${money(sum - left)} above ${whose} (${money(left)})`;

/** The ways to at most so many videos by choosing fewer options: `{text, left, change}`, the mildest first. */
export function fewer(limit) {
  const { chosen, rows, kept } = space.get();
  if (kept <= limit || limit < 1) return [];
  const tally = tallied(chosen, rows);
  const found = [];
  for (const { dimension, options } of chosen) {
    // Those that are in the fewest videos go first; of equals, the last.
    const order = [...options].reverse().sort((one, other) => tally(dimension, one) - tally(dimension, other));
    let left = kept;
    const dropped = [];
    while (left > limit && dropped.length < order.length - 1) {
      const next = order[dropped.length];
      dropped.push(next);
      left -= tally(dimension, next);
    }
    if (left <= limit && left > 0)
      found.push({ dimension, dropped, left, keep: options.filter((option) => !dropped.includes(option)) });
  }
  found.sort((one, other) => one.dropped.length - other.dropped.length || other.left - one.left);
  const ways = found.slice(0, MOST_WAYS).map(({ dimension, dropped, left, keep }) => ({
    text:
      keep.length < dropped.length || dropped.length > MOST_NAMED
        ? `Keep only ${listed(keep.map((option) => option.label))} of ${dimension.label}`
        : `Drop ${listed(dropped.map((option) => option.label))} from ${dimension.label}`,
    left,
    change: { dimensions: { ...form().dimensions, [dimension.key]: keep.map((option) => option.key) } },
  }));
  return ways.length ? ways : singles(chosen, limit);
}

function tallied(chosen, rows) {
  if (!rows) return (dimension) => product(chosen) / chosen.find((each) => each.dimension === dimension).options.length;
  const counts = new Map();
  for (const row of rows) {
    if (row.why) continue;
    for (const [key, option] of Object.entries(row.values))
      counts.set(`${key}=${option}`, (counts.get(`${key}=${option}`) ?? 0) + 1);
  }
  return (dimension, option) => counts.get(`${dimension.key}=${option.key}`) ?? 0;
}

/** Where no one dimension is enough: a single option in each of the longest. */
function singles(chosen, limit) {
  const lengths = new Map(chosen.map((each) => [each, each.options.length]));
  const cut = [];
  const total = () => [...lengths.values()].reduce((all, many) => all * many, 1);
  while (total() > limit) {
    const longest = [...lengths].reduce((one, other) => (other[1] > one[1] ? other : one))[0];
    if (lengths.get(longest) === 1) return [];
    lengths.set(longest, 1);
    cut.push(longest);
  }
  const dimensions = { ...form().dimensions };
  for (const { dimension, options } of cut) dimensions[dimension.key] = [options[0].key];
  return [
    {
      text: `Keep one option each: ${listed(cut.map((each) => `${each.options[0].label} in ${each.dimension.label}`))}`,
      left: total(),
      change: { dimensions },
    },
  ];
}

/** The ways to spend at most that much without fewer videos: shorter ones, another model, a higher budget. */
export function cheaper(bound) {
  const { kept } = space.get();
  const now = form();
  const model = modelOf(now);
  const costs = (changed) => Math.round(each({ ...now, ...changed }) * kept * 100) / 100;
  const ways = [];
  const shorter = model.durations
    .filter((seconds) => seconds < now.duration && costs({ duration: seconds }) <= bound.left)
    .pop();
  if (shorter)
    ways.push({
      text: `Make them ${shorter} s long`,
      cost: costs({ duration: shorter }),
      change: { duration: shorter },
    });
  const other = data.models.find(
    (one) =>
      one.perSecond < model.perSecond &&
      one.durations.includes(now.duration) &&
      costs({ model: one.model }) <= bound.left,
  );
  if (other)
    ways.push({ text: `Use ${other.model}`, cost: costs({ model: other.model }), change: { model: other.model } });
  if (bound.own)
    ways.push({
      text: `Raise this campaign's budget to ${money(costs({}))}`,
      cost: costs({}),
      change: { budget: costs({}) },
    });
  return ways;
}

/** What one way leads to, in a few words. */
export const outcome = (way) => (way.cost === undefined ? plural(way.left, "video") : money(way.cost));
