// Brief files in and out: the same YAML that the command line takes.
import { api } from "../../core/api.js";
import { Element, labelled } from "../../core/element.js";
import { plural } from "../../core/format.js";
import { complain, toast } from "../../core/toast.js";
import { html, signal } from "../../vendor/lit.js";
import { save } from "../parts/download.js";
import { slug } from "./download.js";
import { form, replace, sendable } from "./draft.js";
import { sentence } from "./fields.js";
import { notes } from "./note.js";
import { templatesButton } from "./templates.js";

const LARGEST = 1_000_000; // characters; the server takes no more
const dragging = signal(false);

class BriefFiles extends Element {
  connectedCallback() {
    super.connectedCallback();
    const isFile = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      dragging.set(true);
    });
    document.addEventListener("dragleave", (event) => event.relatedTarget === null && dragging.set(false));
    document.addEventListener("drop", (event) => {
      dragging.set(false);
      if (!isFile(event)) return;
      event.preventDefault();
      read(event.dataTransfer.files[0]);
    });
  }

  render() {
    return html`${templatesButton()}
      <label class="button"
        >${labelled("upload", "Import")}<input
          class="unseen"
          type="file"
          accept=".yaml,.yml,text/yaml"
          aria-label="Import a brief file"
          @change=${pick}
      /></label>
      <button class="button" @click=${write}>${labelled("download", "Export")}</button>
      ${dragging.get() ? html`<div class="dropzone" aria-hidden="true"><p>Drop a brief file to open it</p></div>` : ""}`;
  }
}
customElements.define("brief-files", BriefFiles);

function pick(event) {
  const [file] = event.target.files;
  event.target.value = "";
  if (file) read(file);
}

async function read(file) {
  try {
    const yaml = await file.text();
    if (yaml.length > LARGEST)
      return toast(`${file.name} is larger than 1 MB; a brief is a page of text.`, { kind: "bad" });
    const found = await api.post("/api/brief/read", { yaml, name: file.name.slice(0, 200) || "brief.yaml" });
    const undo = replace(found.formData);
    notes.set(
      found.problems.length
        ? {
            title: `${file.name} is open. ${plural(found.problems.length, "thing")} in it could not be read as it stands:`,
            list: found.problems.map((each) => `${each.field} ${each.message}`),
            kind: "warn",
          }
        : null,
    );
    toast(`${file.name} is open.`, {
      action: {
        label: "Undo",
        run: () => {
          undo();
          notes.set(null);
        },
      },
    });
  } catch (error) {
    if (error.status !== 422) return complain(error);
    notes.set({
      title: `${file.name} was not opened; your draft is as it was.`,
      list: error.errors.map((each) => sentence(each.message)),
      kind: "bad",
    });
  }
}

async function write() {
  try {
    const wanted = { ...sendable(), ...(form().exclude.length ? { exclude: form().exclude } : {}) };
    const { yaml } = await api.post("/api/brief/write", { formData: wanted }, { key: null });
    save(new Blob([yaml], { type: "application/yaml" }), `${slug(form().brand) || "brief"}.yaml`);
  } catch (error) {
    complain(error);
  }
}
