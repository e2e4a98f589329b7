// Finding and sorting, rows or grid; and the bar for what is selected.
import { Element, icon, labelled, may } from "../../core/element.js";
import { GROUPS, count, plural } from "../../core/format.js";
import { html, live, nothing } from "../../vendor/lit.js";
import { AGAIN, cancel, files, prioritise, reject, retry, review } from "./deeds.js";
import { onFrame, varying, videos } from "./store.js";
import {
  SORTS,
  clearSelection,
  everything,
  filtered,
  go,
  refresh,
  selected,
  selection,
  shown,
  stale,
  view,
} from "./view.js";

const REVIEWS = { "": "Any review", none: "Not reviewed", approved: "Approved", rejected: "Rejected" };
let typing = 0;

function search(event) {
  clearTimeout(typing);
  const text = event.target.value;
  typing = setTimeout(() => go({ text }, { replace: true }), 60);
}

function choose(key, place, on) {
  const options = { ...view.get().options };
  const wanted = new Set(options[key]);
  wanted[on ? "add" : "delete"](place);
  if (wanted.size) options[key] = wanted;
  else delete options[key];
  go({ options });
}

class BatchTools extends Element {
  render() {
    const { layout, text, sort, descending, options, review: said } = view.get();
    const found = shown.get();
    const chosen = Object.values(options).reduce((sum, wanted) => sum + wanted.size, 0) + (said ? 1 : 0);
    return html`<div class="line tools noprint">
      <div class="withicon find">
        ${icon("search", "small")}<input
          class="input small"
          type="search"
          placeholder="Find by option, number or id"
          aria-label="Find videos"
          .value=${text}
          @input=${search}
        />
      </div>
      <button class="button small" popovertarget="filters" aria-pressed=${chosen > 0}>
        ${labelled("filter", "Filter")}${chosen ? html` <span class="count">${chosen}</span>` : nothing}
      </button>
      <div id="filters" class="menu filters" popover>
        ${varying.map(
          (each) =>
            html`<fieldset>
              <legend class="label">${each.label}</legend>
              ${each.options.map(
                ([, label], place) =>
                  html`<label class="check"
                    ><input
                      type="checkbox"
                      .checked=${options[each.key]?.has(place) ?? false}
                      @change=${(event) => choose(each.key, place, event.target.checked)}
                    />${label}</label
                  >`,
              )}
            </fieldset>`,
        )}
        <fieldset>
          <legend class="label">Review</legend>
          ${Object.entries(REVIEWS).map(
            ([key, label]) =>
              html`<label class="check"
                ><input
                  type="radio"
                  name="review"
                  .checked=${said === key}
                  @change=${() => go({ review: key })}
                />${label}</label
              >`,
          )}
        </fieldset>
      </div>
      <label class="line keep sort"
        ><span class="soft small wide-only">Sort by</span
        ><select class="input small" aria-label="Sort by" .value=${live(sort)} @change=${(event) => go({ sort: event.target.value })}>
          ${Object.entries(SORTS).map(
            ([key, { label }]) => html`<option value=${key} ?selected=${sort === key}>${label}</option>`,
          )}
        </select></label
      >
      <button
        class="button small iconic"
        aria-label="Reverse the order"
        title="Reverse the order"
        aria-pressed=${descending}
        @click=${() =>
          go({
            descending: !descending,
          })}
      >
        ${icon(descending ? "arrow-down" : "arrow-up", "small")}
      </button>
      <p class="soft small found" role="status">
        ${
          filtered()
            ? html`${count(found.length)} of ${plural(videos.length, "video")}
                <button class="link" @click=${() => go(everything)}>Show all</button>`
            : nothing
        }
      </p>
      ${
        stale.get()
          ? html`<button class="button small quiet stale" @click=${refresh}>
              ${labelled("refresh-cw", `${plural(stale.get(), "video")} changed · sort again`)}
            </button>`
          : nothing
      }
      <div class="segmented push" role="group" aria-label="View">
        ${[
          ["rows", "list", "Rows"],
          ["grid", "layout-grid", "Grid"],
        ].map(
          ([each, sign, word]) =>
            html`<button aria-pressed=${layout === each} @click=${() => go({ layout: each })}>
              ${labelled(sign, word)}
            </button>`,
        )}
      </div>
    </div>`;
  }
}
customElements.define("batch-tools", BatchTools);

class BatchBulk extends Element {
  connectedCallback() {
    super.connectedCallback();
    onFrame(
      (changed) =>
        selection.get().size && [...changed].some((video) => selection.get().has(video.key)) && this.requestUpdate(),
    );
  }

  render() {
    const picked = selection.get();
    if (!picked.size) return nothing;
    const these = selected();
    const having = (states) => these.filter((video) => states.includes(video.now.status));
    const [ended, open, done] = [
      having(AGAIN),
      having(["queued", "submitting", "generating"]),
      having(GROUPS.completed),
    ];
    const editor = may("editor");
    return html`<div class="bulkbar noprint" role="toolbar" aria-label="Selected videos">
      <span class="nowrap strong" role="status">${count(picked.size)} selected</span>
      ${
        editor && ended.length
          ? html`<button class="button small" @click=${() => retry(ended)}>
              ${labelled("rotate-ccw", `Retry ${count(ended.length)}`)}
            </button>`
          : nothing
      }
      ${
        editor && done.length
          ? html`<button class="button small" @click=${() => review(done, "approved")}>
              ${labelled("thumbs-up", `Approve ${count(done.length)}`)}
            </button>`
          : nothing
      }
      ${
        editor && done.length
          ? html`<button class="button small" @click=${() => reject(done)}>
              ${labelled("thumbs-down", `Reject ${count(done.length)}`)}
            </button>`
          : nothing
      }
      ${
        editor && having(["queued"]).length
          ? html`<button class="button small" @click=${() => prioritise("high", having(["queued"]))}>
              ${labelled("arrow-up", "Priority")}
            </button>`
          : nothing
      }
      ${editor && open.length ? html`<button class="button small" @click=${() => cancel(open)}>${labelled("ban", `Cancel ${count(open.length)}`)}</button>` : nothing}
      ${done.length ? html`<button class="button small" @click=${() => files(done)}>${labelled("download", `Download ${count(done.length)}`)}</button>` : nothing}
      <button class="button small iconic" aria-label="Clear the selection" @click=${clearSelection}>
        ${icon("x", "small")}
      </button>
    </div>`;
  }
}
customElements.define("batch-bulk", BatchBulk);
