// Templates: briefs of the workspace to start from; saved, opened, renamed and deleted here.
import { api, each } from "../../core/api.js";
import { icon, labelled, may } from "../../core/element.js";
import { ago } from "../../core/format.js";
import { complain, toast } from "../../core/toast.js";
import { html, nothing, render, signal } from "../../vendor/lit.js";
import { form, replace, sendable } from "./draft.js";

const kept = signal(null); // null until they are asked for
let dialog = null;
let naming = null; // the id that is being renamed

export const templatesButton = () =>
  html`<button class="button" aria-haspopup="dialog" @click=${show}>${labelled("book-open", "Templates")}</button>`;

export async function show() {
  dialog = document.createElement("dialog");
  dialog.className = "box";
  dialog.setAttribute("aria-label", "Templates");
  const mine = dialog; // another may be open by the time that the browser tells of its close
  mine.addEventListener("close", () => mine.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  draw();
  dialog.showModal();
  await load();
}

async function load() {
  try {
    const found = [];
    for await (const one of each("/api/templates?limit=200")) found.push(one);
    kept.set(found.sort((one, other) => one.name.localeCompare(other.name)));
  } catch (error) {
    kept.set([]);
    complain(error);
  }
  draw();
}

const draw = () =>
  render(
    html`<h2>Templates</h2>
      <p class="soft small">Briefs of this workspace to start from. Your colleagues see them, too.</p>
      ${may("editor") ? saveForm() : nothing}
      ${
        kept.get() === null
          ? html`<div class="stack tight" aria-busy="true">
              ${[1, 2].map(() => html`<div class="skeleton templaterow"></div>`)}
            </div>`
          : kept.get().length
            ? html`<ul class="templates">
                ${kept.get().map(row)}
              </ul>`
            : html`<p class="soft templatesempty">There is no template yet.</p>`
      }
      <footer><button class="button" @click=${() => dialog.close()}>Close</button></footer>`,
    dialog,
  );

const saveForm = () =>
  html`<form class="line keep" @submit=${save}>
    <input
      class="input small"
      name="name"
      required
      maxlength="80"
      placeholder="Name for the brief as it is now"
      aria-label="Name of the new template"
      autocomplete="off"
    />
    <button class="button small">${labelled("save", "Save")}</button>
  </form>`;

function row(one) {
  if (naming === one.id) {
    return html`<li>
      <form class="line keep" @submit=${(event) => rename(event, one)}>
        <input
          class="input small"
          name="name"
          required
          maxlength="80"
          .value=${one.name}
          aria-label="New name"
          autocomplete="off"
        />
        <button class="button small">Rename</button
        ><button
          type="button"
          class="button quiet small"
          @click=${() => {
            naming = null;
            draw();
          }}
        >
          Back
        </button>
      </form>
    </li>`;
  }
  return html`<li class="line keep">
    <button class="templaterow" @click=${() => start(one)}>
      <b class="clip">${one.name}</b><span class="soft small">${ago(one.updatedAt)}</span>
    </button>
    ${
      may("editor")
        ? html`<button
              class="button quiet small iconic"
              aria-label="Save the brief over ${one.name}"
              title="Save the brief over it"
              @click=${() => over(one)}
            >
              ${icon("save", "small")}
            </button>
            <button
              class="button quiet small iconic"
              aria-label="Rename ${one.name}"
              title="Rename"
              @click=${() => {
                naming = one.id;
                draw();
                dialog.querySelector("li input").focus();
              }}
            >
              ${icon("pencil", "small")}
            </button>
            <button
              class="button quiet small iconic"
              aria-label="Delete ${one.name}"
              title="Delete"
              @click=${() => remove(one)}
            >
              ${icon("trash-2", "small")}
            </button>`
        : nothing
    }
  </li>`;
}

/** The draft as a template keeps it: with every exclusion, also those without effect now. */
const whole = () => ({ ...sendable(), ...(form().exclude.length ? { exclude: form().exclude } : {}) });

/** Do it to the template as it was seen here: what somebody has saved meanwhile stays, and is shown. */
async function attempt(act) {
  try {
    await act();
    await load();
  } catch (error) {
    if (error.status !== 412) {
      complain(error);
      return;
    }
    naming = null;
    toast("Somebody saved over it meanwhile. This is how it is now.", { kind: "bad" });
    await load();
  }
}

function save(event) {
  event.preventDefault();
  const { name } = event.target.elements;
  const wanted = name.value.trim();
  attempt(async () => {
    await api.post("/api/templates", { name: wanted, formData: whole() });
    event.target.reset();
    toast(`“${wanted}” is kept.`);
  });
}

function rename(event, one) {
  event.preventDefault();
  const name = event.target.elements.name.value.trim();
  attempt(async () => {
    await api.patch(`/api/templates/${one.id}`, { name }, { version: one.version });
    naming = null;
  });
}

async function start(one) {
  try {
    const { formData } = await api.get(`/api/templates/${one.id}`);
    const undo = replace(formData);
    dialog.close();
    toast(`The brief is “${one.name}” now.`, { action: { label: "Undo", run: undo } });
  } catch (error) {
    complain(error);
  }
}

async function over(one) {
  await attempt(async () => {
    const path = `/api/templates/${one.id}`;
    const { formData: before } = await api.get(path);
    const { version } = await api.patch(path, { formData: whole() }, { version: one.version });
    toast(`“${one.name}” is the brief as it is now.`, {
      action: { label: "Undo", run: () => attempt(() => api.patch(path, { formData: before }, { version })) },
    });
  });
}

async function remove(one) {
  await attempt(async () => {
    const { formData } = await api.get(`/api/templates/${one.id}`);
    await api.delete(`/api/templates/${one.id}`, { version: one.version });
    toast(`“${one.name}” is deleted.`, {
      action: { label: "Undo", run: () => attempt(() => api.post("/api/templates", { name: one.name, formData })) },
    });
  });
}
