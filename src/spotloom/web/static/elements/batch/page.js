// The batch page: its parts, its title, and a word now and then for those who listen.
import { api } from "../../core/api.js";
import { plural } from "../../core/format.js";
import { offer } from "../../core/keys.js";
import { announce } from "../../core/toast.js";
import "./list.js";
import "./header.js";
import "./tools.js";
import "./trouble.js";
import { files, manifest } from "./deeds.js";
import { print } from "./report.js";
import {
  batch,
  counted,
  figures,
  gone,
  inStates,
  lanes,
  line,
  onFrame,
  over,
  page,
  readVideos,
  takeFigures,
  takenAt,
} from "./store.js";
import { GROUPS } from "../../core/format.js";
import { everything, go } from "./view.js";

const SAY_MS = 10_000;
const ASK_MS = 15_000;
const UNSEEN_TURNS = 4;
let turn = 0;
let said = "";

function title() {
  document.title = `${Math.floor(figures.get().percent)} % · ${page.brand} · Spotloom`;
}

function say() {
  const { counts, totalVideos } = figures.get();
  const failed = counted(GROUPS.failed);
  const words = `${counts.completed} of ${plural(totalVideos, "video")} done${failed ? `, ${failed} failed` : ""}.`;
  if (words !== said && said) announce(words);
  said = words;
}

// Why a lane waits is no part of the events, nor is a pace that falls while nothing happens: both are asked for now
// and then. A tab that nobody looks at has no line, and keeps its title right this way.
async function ask() {
  if (gone.get() || over.get() || (document.visibilityState !== "visible" && turn++ % UNSEEN_TURNS)) return;
  const before = takenAt.get();
  const answer = await api.get(batch).catch(() => null);
  if (!answer) return;
  const { lanes: newer, ...header } = answer;
  lanes.set(newer);
  if (takenAt.get() !== before) return; // an event was quicker, and knows better
  takeFigures(header);
  title();
  const listed = Object.entries(header.counts).every(([status, many]) => inStates([status]).length === many);
  // No event tells of them just now: without this the list would belie the figures.
  if (!listed && line.state.get() !== "live" && document.visibilityState === "visible") await readVideos().catch(() => {});
}

onFrame(title);
title();
say();
setInterval(say, SAY_MS);
setInterval(ask, ASK_MS);

offer(
  { label: "Show everything", run: () => go(everything) },
  { label: "Show failed videos", run: () => go({ group: "failed" }) },
  { label: "Show rows", run: () => go({ layout: "rows" }) },
  { label: "Show grid", run: () => go({ layout: "grid" }) },
  { label: "Download all finished videos", run: () => files() },
  { label: "Download the manifest as CSV", run: () => manifest("csv") },
  { label: "Print the batch report", run: print },
  { label: "Review this campaign", href: `/campaigns/${page.id}/review` },
);
