// How figures and words look, once for every page.

const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const whole = new Intl.NumberFormat("en-US");
const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const dateFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });

export const money = (amount) => (amount === null || amount === undefined ? "–" : dollars.format(amount));
export const count = (number) => whole.format(number);
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** "40 s", "12 min", "3 h 20 min", "2 days": from seconds. */
export function span(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return plural(Math.round(hours / 24), "day");
}

/** "just now", "5 min ago", "3 days ago": from an ISO time. */
export function ago(iso, now = Date.now()) {
  const seconds = (now - Date.parse(iso)) / 1000;
  return seconds < 45 ? "just now" : `${span(seconds)} ago`;
}

/** A time of day, with the day where it is not today. */
export function when(iso) {
  const time = new Date(iso);
  return time.toDateString() === new Date().toDateString() ? clockFormat.format(time) : dayFormat.format(time);
}

export const date = (iso) => dateFormat.format(new Date(iso));

export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let place = 0;
  while (number >= 1000 && place < units.length - 1) ((number /= 1000), place++);
  return `${number >= 100 || place === 0 ? Math.round(number) : number.toFixed(1)} ${units[place]}`;
}

export const STATUS = {
  queued: "Queued",
  submitting: "Submitting",
  generating: "Generating",
  finishing: "Finishing",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
  expired: "Expired",
  lost: "Lost",
  unknown: "Possibly charged",
};
/** The states that people filter by, each with the tables' own states in it. */
export const GROUPS = {
  completed: ["completed"],
  running: ["submitting", "generating", "finishing"],
  queued: ["queued"],
  failed: ["failed", "expired", "lost"],
  unknown: ["unknown"],
  cancelled: ["cancelled"],
};
