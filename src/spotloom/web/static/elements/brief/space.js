// The space of a brief: what its choices multiply to, which combinations that makes, and which of them are left out.

export const ANY = "any";
/** More combinations than these are counted, not listed. */
const MOST_LISTED = 5000;

/** What each dimension takes part with, in the order of the table; with nothing chosen an optional one has `any`. */
export function choices(form, vocabulary) {
  return vocabulary.dimensions.map((dimension) => {
    const chosen = dimension.options.filter((option) => form.dimensions[dimension.key]?.includes(option.key));
    const none = dimension.required ? [] : dimension.options.filter((option) => option.key === ANY);
    return { dimension, options: chosen.length ? chosen : none };
  });
}

export const product = (chosen) => chosen.reduce((all, each) => all * each.options.length, 1);

/** The factors above one, as people read them: `5 × 4 × 11 × 3`; empty when there are fewer than two. */
export function factors(chosen) {
  const above = chosen.map((each) => each.options.length).filter((many) => many !== 1);
  return above.length > 1 ? above.join(" × ") : "";
}

/** Whether an exclusion or a rule, `{dimension: option or options}`, holds for these values. */
export function holds(when, values) {
  let known = terms.get(when);
  if (!known) terms.set(when, (known = Object.entries(when).map(([key, options]) => [key, [options].flat()])));
  return known.every(([key, options]) => options.includes(values[key]));
}
const terms = new WeakMap(); // a condition's entries: it is held against hundreds of rows at each change

/** Every combination, the last dimension fastest, with `at`, `id`, `values` and `why`; null when there are too many to list. */
export function combinations(chosen) {
  const many = product(chosen);
  if (many > MOST_LISTED) return null;
  const rows = Array.from({ length: many }, (_, at) => new Combination(at));
  let block = many;
  for (const { dimension, options } of chosen) {
    const run = block / options.length;
    for (const row of rows) row.values[dimension.key] = options[Math.floor((row.at % block) / run)].key;
    block = run;
  }
  return rows;
}

class Combination {
  values = {};
  why = null;
  #id = "";

  constructor(at) {
    this.at = at;
  }

  get id() {
    return (this.#id ||= combinationId(this.values));
  }
}

/** Note in every row why it is not made: `null`, or `{kind: "rule" | "condition" | "single", …}`. */
export function judge(rows, exclude, rules) {
  const single = new Set(exclude.filter((entry) => typeof entry === "string"));
  const conditions = exclude.filter((entry) => typeof entry !== "string");
  const never = rules.filter((rule) => rule.effect === "exclude");
  let kept = 0;
  for (const row of rows) {
    const rule = never.find((each) => holds(each.when, row.values));
    const condition = rule ? null : conditions.find((each) => holds(each, row.values));
    if (rule) row.why = { kind: "rule", text: rule.reason };
    else if (condition) row.why = { kind: "condition", condition };
    else row.why = single.size && single.has(row.id) ? { kind: "single" } : null;
    if (!row.why) kept++;
  }
  return kept;
}

/** The exclusions that leave something out here; the others wait for an edit of the brief. */
export function effective(rows, exclude) {
  const ids = new Set(exclude.some((entry) => typeof entry === "string") ? rows.map((row) => row.id) : []);
  return exclude.filter((entry) =>
    typeof entry === "string" ? ids.has(entry) : rows.some((row) => holds(entry, row.values)),
  );
}

const names = new Map();
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

/** The id that these values have everywhere and for ever; the server makes the same one (`combination_key`). */
export function combinationId(values) {
  const text = Object.entries(values)
    .filter(([, option]) => option !== ANY)
    .map(([key, option]) => `${key}=${option}`)
    .sort()
    .join("\n");
  let name = names.get(text);
  if (name === undefined) {
    const [first, second] = sha256(new TextEncoder().encode(text));
    const bits = (BigInt(first) << 32n) | BigInt(second);
    name = "k";
    for (let shift = 59n; shift >= 9n; shift -= 5n) name += LETTERS[Number((bits >> shift) & 31n)];
    names.set(text, name);
  }
  return name;
}

const fraction = (number) => ((number - Math.floor(number)) * 2 ** 32) >>> 0;
const primes = [];
for (let number = 2; primes.length < 64; number++) if (primes.every((prime) => number % prime)) primes.push(number);
const K = primes.map((prime) => fraction(Math.cbrt(prime)));
const START = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const turned = (word, by) => (word >>> by) | (word << (32 - by));

// The browser's own digest answers later; ids are wanted at once, hundreds at a time, while somebody types.
function sha256(bytes) {
  const padded = new DataView(new ArrayBuffer(((bytes.length + 8) >> 6) * 64 + 64));
  new Uint8Array(padded.buffer).set(bytes);
  padded.setUint8(bytes.length, 0x80);
  padded.setUint32(padded.byteLength - 4, bytes.length * 8);
  const state = Uint32Array.from(START),
    w = new Uint32Array(64);
  for (let block = 0; block < padded.byteLength; block += 64) {
    for (let i = 0; i < 64; i++) {
      if (i < 16) w[i] = padded.getUint32(block + i * 4);
      else {
        const a = w[i - 15],
          b = w[i - 2];
        w[i] =
          w[i - 16] +
          (turned(a, 7) ^ turned(a, 18) ^ (a >>> 3)) +
          w[i - 7] +
          (turned(b, 17) ^ turned(b, 19) ^ (b >>> 10));
      }
    }
    let a = state[0],
      b = state[1],
      c = state[2],
      d = state[3],
      e = state[4],
      f = state[5],
      g = state[6],
      h = state[7];
    for (let i = 0; i < 64; i++) {
      const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
  return state;
}
