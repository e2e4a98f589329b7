// What people do to videos and to the batch: at once where it can be undone, asked first where money or running work is at stake.
import { Unreachable, api, isLost, wishKey } from "../../core/api.js";
import { agreed } from "../../core/dialog.js";
import { GROUPS, count, money, plural } from "../../core/format.js";
import { complain, toast } from "../../core/toast.js";
import { html, nothing, signal } from "../../vendor/lit.js";
import { changed, inTurn, slots } from "../parts/changes.js";
import { fetchFile } from "../parts/download.js";
import { price } from "../parts/price.js";
import { askReason } from "../parts/rejection.js";
import { reason } from "./reasons.js";
import { batch, figures, inStates, page, path } from "./store.js";

export const AGAIN = [...GROUPS.failed, "cancelled"];
const AT_ONCE = 4; // changes under way at a time, when there are many
const AT_PROVIDER = ["submitting", "generating"];
const sum = (videos) => videos.reduce((total, video) => total + video.cost, 0);
export const keysOf = (videos) => videos.map((video) => video.key);
/** What these cost together, for a button. */
export const priceOf = (videos) => price(sum(videos), !page.free);
const free = (videos) =>
  page.free
    ? html`<p class="soft">
        Animatics are drawn on this machine: nothing is charged. The forecast, ${money(sum(videos))}, counts against
        budgets.
      </p>`
    : nothing;

export const failed = () => inStates(GROUPS.failed);
const retryWords = (videos) => `${plural(videos.length, "video")} · ${priceOf(videos)}`;

/** Do it under one key: where no answer came it is asked again under the same, and happens once. */
async function attempted(deed, key = wishKey()) {
  try {
    return await deed(key);
  } catch (error) {
    if (!isLost(error)) complain(error);
    else {
      const action = { label: "Ask again", run: () => attempted(deed, key) };
      toast(error.message, { kind: "bad", seconds: 15, action });
    }
    return undefined;
  }
}

/** Buy a new attempt at each of them that ended without a file. */
export async function retry(videos, what = "") {
  const again = videos.filter((video) => AGAIN.includes(video.now.status));
  if (!again.length) return toast("None of these ended without a file, so there is nothing to retry.");
  const words = what ? `${again.length} ${what} · ${priceOf(again)}` : retryWords(again);
  const blocked = again.filter(
    (video) => reason(video.now).id === "moderation" && video.now.status === "failed",
  ).length;
  const lost = again.filter((video) => video.now.status === "lost").length;
  const body = html`<p>
      Each is a new order${page.free ? "" : ` at ${money(sum(again) / again.length)}`}, within your budgets.
    </p>
    ${
      blocked
        ? html`<p class="warn">
            ${plural(blocked, "video")} of these were refused by moderation. With the same words they will most likely
            be refused again.
          </p>`
        : nothing
    }
    ${lost ? html`<p class="warn">${plural(lost, "video")} may have been ${page.free ? "made" : "charged"} already.</p>` : nothing}${free(again)}`;
  if (
    !(await agreed({
      title: `Retry ${plural(again.length, what ? `${what} video` : "video")}?`,
      body,
      confirm: `Retry ${words}`,
    }))
  )
    return undefined;
  return attempted(async (key) => {
    const { queued } = await api.post(`${batch}/retry-failed`, { combinations: keysOf(again) }, { key });
    toast(`${plural(queued, "video")} queued again.`);
  });
}

/** Stop these videos, or without a list the whole batch. */
export async function cancel(videos = null) {
  const these = videos ?? inStates(["queued", ...AT_PROVIDER]);
  const waiting = these.filter((video) => video.now.status === "queued");
  const there = these.filter((video) => AT_PROVIDER.includes(video.now.status));
  if (!waiting.length && !there.length)
    return toast("None of these waits or is at the provider, so there is nothing to cancel.");
  const body = html`${
    waiting.length
      ? html`<p>
          ${plural(waiting.length, "video")} still
          ${waiting.length === 1 ? "waits" : "wait"}${
            page.free
              ? `; the forecast, ${money(sum(waiting))}, no longer counts against budgets.`
              : ` and ${waiting.length === 1 ? "costs" : "cost"} nothing: ${money(sum(waiting))} is given back to the budget.`
          }
        </p>`
      : nothing
  }
  ${
    there.length
      ? html`<p>
          ${plural(there.length, "video")} at the provider will be asked to stop. Where it cannot, the video still
          arrives${page.free ? " and is kept." : `, is kept, and costs up to ${money(sum(there))}.`}
        </p>`
      : nothing
  }
  ${videos ? nothing : html`<p>Finished videos stay. Cancelled ones can be retried later.</p>`}`;
  const confirm = `Cancel ${plural(waiting.length + there.length, "video")}${waiting.length && !page.free ? ` · saves ${money(sum(waiting))}` : ""}`;
  if (
    !(await agreed({
      title: videos ? `Cancel ${plural(these.length, "video")}?` : "Cancel what is left of this batch?",
      body,
      confirm,
      danger: true,
    }))
  )
    return undefined;
  return attempted(async (key) => {
    const done = await api.post(`${batch}/cancel`, videos ? { combinations: keysOf(these) } : undefined, { key });
    toast(
      [
        done.cancelled ? `${plural(done.cancelled, "video")} cancelled` : "",
        done.askedToStop ? `${plural(done.askedToStop, "video")} asked to stop` : "",
      ]
        .filter(Boolean)
        .join(", ") + ".",
    );
  });
}

/** Whether the batch is being paused or resumed. */
export const steering = signal(false);

async function steer(word, state, say) {
  if (steering.get()) return;
  steering.set(true);
  await attempted(async (key) => {
    await api.post(`${batch}/${word}`, undefined, { key });
    figures.set({ ...figures.get(), state });
    say();
  });
  steering.set(false);
}

export const pause = () =>
  steer("pause", "paused", () =>
    toast("Paused. What is at the provider goes on; nothing new starts.", { action: { label: "Resume", run: resume } }),
  );
export const resume = () => steer("resume", "active", () => toast("Going on."));

export const prioritise = (priority, videos = null) =>
  attempted(async (key) => {
    const which = videos && { combinations: keysOf(videos) };
    const { moved } = await api.post(`${batch}/priority`, { priority, ...which }, { key });
    toast(
      moved
        ? `${plural(moved, "waiting video")} moved to ${priority} priority.`
        : "Nothing of these waits, so nothing was moved.",
    );
  });

/** One call for each video, a few at a time, after what was asked of it before. Which of them worked, and what stopped it. */
async function forEach(videos, call) {
  const inSlot = slots(AT_ONCE);
  const done = [];
  let trouble = null;
  const work = async (video) => {
    if (trouble) return;
    try {
      await call(video);
      done.push(video);
    } catch (error) {
      trouble ??= error;
    }
  };
  await Promise.all(videos.map((video) => inTurn(video.key, () => inSlot(() => work(video)))));
  return { done, trouble };
}

/** Keep what the server answers: the next change must name the version that this one made. */
async function told(video, asking) {
  const answer = await asking;
  video.take({ version: answer.version, review: answer.review, winner: answer.winner });
  return answer;
}

const place = (video) => `${path}/combinations/${video.key}`;
const refuse = (_, error) => Promise.reject(error);
const edit = (video, changes, { before, version = video.told.version, otherwise = refuse, send }) =>
  told(video, changed(place(video), changes, { before, version, otherwise, send }));
const sendApproval = (path, _, options) => api.post(`${path}/approve`, undefined, options);
const sendRejection = (path, { rejectReason }, options) =>
  api.post(`${path}/reject`, rejectReason ? { reason: rejectReason } : undefined, options);
const SEND = { approved: sendApproval, rejected: sendRejection, none: api.patch };
const WORDS = { approved: "approved", rejected: "rejected", none: "put back" };

/** Show at once what `call` will do to each; whatever the server did not confirm is shown as it is there. */
async function judged(videos, wish, call) {
  const over = new Map(videos.map((video) => [video, video.wish(wish(video))]));
  const said = await forEach(videos, async (video) => {
    await call(video);
    over.get(video)();
  });
  for (const end of over.values()) end();
  return said;
}

/** Say that these may be used, or may not; undone from the toast, for as many as the server took. */
export async function review(videos, verdict, rejectReason = null) {
  const these = videos.filter(
    (video) => video.now.status === "completed" && (video.now.review !== verdict || rejectReason),
  );
  if (!these.length)
    return toast(
      verdict === "approved"
        ? "Only finished videos can be approved, and these are already."
        : "Only finished videos are reviewed, and these are already.",
    );
  const before = new Map(); // what each was, with its reason: that is not in the list, and is asked for
  const after = new Map(); // each as this has left it
  const call = async (video) => {
    const { review: was } = video.told;
    const reason = was === "rejected" ? (await api.get(place(video))).rejectReason : null;
    before.set(video, { review: was, rejectReason: reason });
    const changes = { review: verdict, ...(rejectReason && { rejectReason }) };
    const done = edit(video, changes, { before: { review: was, rejectReason: reason }, send: SEND[verdict] });
    after.set(video, await done);
  };
  const { done, trouble } = await judged(these, () => ({ review: verdict }), call);
  const undo = { label: "Undo", run: () => putBack(done, before, after) };
  if (!trouble) return toast(`${plural(done.length, "video")} ${WORDS[verdict]}.`, { action: undo });
  const some = done.length
    ? `${count(done.length)} of ${plural(these.length, "video")} ${WORDS[verdict]}; the others are as they were`
    : `${plural(these.length, "video")} not ${WORDS[verdict]}`;
  const why = trouble instanceof Unreachable ? "Spotloom does not answer." : trouble.message;
  return toast(`${some}: ${why}`, { kind: "bad", seconds: 15, action: done.length ? undo : null });
}

/** Ask why, and reject them. */
export async function reject(videos) {
  const these = videos.filter((video) => video.now.status === "completed");
  if (!these.length) return toast("Only finished videos are reviewed.");
  const why = await askReason({ many: these.length, name: these[0].title });
  return why ? review(these, "rejected", why) : undefined;
}

/** Make it as it was `before`, where it still is as `after`: what was said since stands. */
async function putBack(videos, before, after) {
  let since = 0;
  const otherwise = (theirs) => {
    since++;
    return theirs;
  };
  const { trouble } = await judged(
    videos,
    (video) => ({ review: before.get(video).review }),
    (video) =>
      edit(video, before.get(video), { before: after.get(video), version: after.get(video).version, otherwise }),
  );
  if (trouble) complain(trouble);
  if (since) toast(`${plural(since, "video was", "videos were")} decided otherwise since: that stands.`);
}

export async function crown(video) {
  const winner = !video.now.winner;
  const { trouble } = await judged(
    [video],
    () => ({ winner }),
    () => edit(video, { winner }, { before: { winner: video.told.winner } }),
  );
  if (trouble) complain(trouble);
}

export async function resolve(video, decision, job = null) {
  if (decision === "retry") {
    const twice = page.free ? "it is made twice." : `you pay for both: ${money(video.cost)} more.`;
    const body = html`<p>If the provider did take the first order, ${twice}</p>
      ${free([video])}`;
    const title = page.free ? "Make this video again?" : "Buy this video again?";
    if (!(await agreed({ title, body, confirm: `Retry ${retryWords([video])}` }))) return undefined;
  }
  if (decision === "give-up") {
    const counted = page.free
      ? `Its forecast, ${money(video.cost)}, stays counted against budgets.`
      : `${money(video.cost)} stays counted as possibly charged.`;
    const body = html`<p>The video stays without a file. ${counted}</p>`;
    if (!(await agreed({ title: "Give this video up?", body, confirm: "Give up", danger: true }))) return undefined;
  }
  return attempted(async (key) => {
    await api.post(`${batch}/combinations/${video.key}/resolve`, { decision, ...(job && { job }) }, { key });
    toast({ paid: "Its file is fetched from that job.", retry: "Queued again.", "give-up": "Given up." }[decision]);
  });
}

/** The positions, joined where they are neighbours: "1-40,57". */
function spans(positions) {
  const found = [];
  for (const at of [...positions].sort((left, right) => left - right)) {
    const last = found.at(-1);
    if (last && last[1] === at - 1) last[1] = at;
    else found.push([at, at]);
  }
  return found.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(",");
}

/** The finished files as one ZIP: all, or these. */
export function files(videos = null) {
  const ready = (videos ?? inStates(["completed"])).filter((video) => video.now.files.video);
  if (!ready.length) return toast("None of these is finished yet.");
  fetchFile(`${path}/files.zip${videos ? `?at=${spans(ready.map((video) => video.position))}` : ""}`);
  return toast(`${plural(ready.length, "file")} on the way.`);
}

/** What came of every video, as a table for a spreadsheet ("csv") or a file for a program ("json"). */
export const manifest = (kind) => fetchFile(`${path}/manifest?format=${kind}`);
