// Speaks to the public JSON API: one way in for every element.

class ApiError extends Error {
  constructor(problem, status, retryAfterS) {
    const fields = (problem.errors || []).map((each) => each.message).join(" ");
    super(
      problem.detail && fields
        ? `${problem.detail} ${fields}`
        : problem.detail || fields || `The server answered ${status}.`,
    );
    Object.assign(this, {
      status,
      title: problem.title || "Something went wrong",
      kind: (problem.type || "").split(":").pop(),
      errors: problem.errors || [],
      requestId: problem.requestId || null,
      retryAfterS,
    });
  }
}

export class Unreachable extends Error {
  constructor(method) {
    super(
      method === "GET"
        ? "Spotloom does not answer. Nothing was changed; it is tried again when you ask again."
        : "Spotloom does not answer. It may have been done or not.",
    );
  }
}

/** Whether it may have been done, or may still be: no answer came, or one that does not say. */
export const isLost = (error) =>
  error instanceof Unreachable || error.status >= 500 || (error.status === 409 && error.retryAfterS !== null);

const PATIENCE_MS = 30_000;
const MOST_KEPT_ALIVE = 20_000; // characters: a browser sends little for a page that is gone

/** Ask; where no answer came in time it is as good as none. */
async function ask(method, path, { signal, patienceMs = PATIENCE_MS, ...more } = {}) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), patienceMs);
  try {
    return await answered(method, path, { ...more, signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal });
  } catch (error) {
    if (error instanceof ApiError || signal?.aborted) throw error;
    throw new Unreachable(method);
  } finally {
    clearTimeout(timer);
  }
}

async function answered(method, path, { body, version, key, signal, accept }) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (version !== undefined) headers["If-Match"] = `"${version}"`;
  if (key) headers["Idempotency-Key"] = key;
  if (accept) headers.Accept = accept;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await fetch(path, {
    method,
    headers,
    signal,
    credentials: "same-origin",
    body: text,
    keepalive: method !== "GET" && document.visibilityState === "hidden" && (text?.length ?? 0) < MOST_KEPT_ALIVE,
  });
  if (answer.status === 401) signInFirst();
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new ApiError(problem, answer.status, Number(answer.headers.get("Retry-After")) || null);
  }
  if (answer.status === 204) return null;
  return (answer.headers.get("Content-Type") || "").includes("json") ? await answer.json() : await answer.text();
}

function signInFirst() {
  location.assign(`/sign-in?after=${encodeURIComponent(location.pathname + location.search)}`);
}

/** A key for one wish of a person: the same wish sent again does not happen twice. */
export const wishKey = () => crypto.randomUUID();

export const api = {
  get: (path, options) => ask("GET", path, options),
  // A lost answer may be asked again under the same key; callers that repeat pass their own.
  post: (path, body, options) => ask("POST", path, { key: wishKey(), ...options, body }),
  patch: (path, body, options) => ask("PATCH", path, { ...options, body }),
  put: (path, body, options) => ask("PUT", path, { ...options, body }),
  delete: (path, options) => ask("DELETE", path, options),
};

/** Every item of a list that comes in pages. */
export async function* each(path, options) {
  let cursor = null;
  do {
    const mark = path.includes("?") ? "&" : "?";
    const page = await api.get(cursor ? `${path}${mark}cursor=${encodeURIComponent(cursor)}` : path, options);
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor);
}
