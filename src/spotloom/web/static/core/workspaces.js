// The workspaces in the account menu, for people who have a part in several.
import { api } from "./api.js";
import { complain } from "./toast.js";
import { html, render } from "../vendor/lit.js";

async function go(id) {
  try {
    await api.post("/api/session/workspace", { workspaceId: id });
    location.assign("/");
  } catch (error) {
    complain(error);
  }
}

/** Fill the place in the menu; with one workspace it stays empty. */
export async function fill(place) {
  const { items } = await api.get("/api/workspaces");
  if (items.length < 2) return;
  const button = (each) =>
    html`<button
      class="button small ${each.current ? "" : "quiet"}"
      aria-pressed=${each.current}
      @click=${() => each.current || go(each.id)}
    >
      ${each.name}
    </button>`;
  render(
    html`<p class="soft small" id="spaces-of">Workspace</p>
      <p class="line" role="group" aria-labelledby="spaces-of">${items.map(button)}</p>
      <hr />`,
    place,
  );
}
