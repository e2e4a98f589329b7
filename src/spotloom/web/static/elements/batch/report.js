// The batch report on paper: the facts and a table of every video, whatever the screen shows.
import { each } from "../../core/api.js";
import { STATUS, date, money, plural } from "../../core/format.js";
import { complain } from "../../core/toast.js";
import { html, render } from "../../vendor/lit.js";
import { FREE } from "../parts/price.js";
import { columns } from "./rows.js";
import { figures, page, path, videos } from "./store.js";

let place = null;

const free = ({ estimated }) => [
  ["Cost", FREE],
  ["Forecast", money(estimated)],
];
const paid = ({ actual, reserved, unknown }) => [
  ["Charged", money(actual)],
  ["Reserved", money(reserved)],
  ["Possibly charged", money(unknown)],
];

function costOf({ cost, now }) {
  if (page.free) return FREE;
  return now.actual === null ? `${money(cost)} est.` : money(now.actual);
}

function draw(errors = new Map()) {
  if (!place) {
    place = document.createElement("section");
    place.className = "report";
    document.querySelector("main").append(place);
  }
  const { spend, counts, state } = figures.get();
  const facts = [
    ["Batch", page.batchId],
    ["Printed", date(new Date().toISOString())],
    ["State", state],
    ["Videos", `${counts.completed} of ${videos.length} finished`],
    ...(page.free ? free(spend) : paid(spend)),
    ["Budget", spend.budget === null ? "none" : money(spend.budget)],
    ["Made with", page.free ? "Animatics drawn here; nothing is charged" : `${page.provider}, ${page.model}`],
  ];
  render(
    html`<dl>
        ${facts.map(
          ([name, fact]) =>
            html`<div>
              <dt>${name}</dt>
              <dd>${fact}</dd>
            </div>`,
        )}
      </dl>
      <table>
        <caption>
          ${plural(videos.length, "video")}
        </caption>
        <thead>
          <tr>
            <th>No.</th>
            <th>Id</th>
            ${columns.map((one) => html`<th>${one.label}</th>`)}
            <th>Status</th>
            <th>Tries</th>
            <th>Review</th>
            <th>Cost</th>
          </tr>
        </thead>
        <tbody>
          ${videos.map(
            (video) =>
              html`<tr>
                <td>${video.position + 1}</td>
                <td>${video.key}</td>
                ${columns.map((one) => html`<td>${video.words[one.place]}</td>`)}
                <td>
                  ${STATUS[video.now.status]}${errors.has(video.key) ? html`<br /><small>${errors.get(video.key)}</small>` : ""}
                </td>
                <td>${video.now.attempt}</td>
                <td>${video.now.winner ? "winner" : video.now.review === "none" ? "" : video.now.review}</td>
                <td>${costOf(video)}</td>
              </tr>`,
          )}
        </tbody>
      </table>`,
    place,
  );
}

addEventListener("beforeprint", () => place || draw());
addEventListener("afterprint", () => {
  place?.remove();
  place = null;
});

/** Print, with what providers said of failures. */
export async function print() {
  try {
    const errors = new Map();
    for (const status of ["failed", "expired", "lost"]) {
      if (!figures.get().counts[status]) continue;
      for await (const item of each(`${path}/combinations?limit=200&status=${status}`))
        if (item.error?.message) errors.set(item.combinationId, item.error.message);
    }
    draw(errors);
    globalThis.print();
  } catch (error) {
    complain(error);
  }
}
