// What every page has: the theme, the account menu, keys to go places, and a word when the network is away.
import { api } from "./api.js";
import { help, keys, offer, setSingle, single } from "./keys.js";
import { complain } from "./toast.js";

const THEMES = ["system", "light", "dark"];

function setTheme(theme) {
  if (theme === "system") {
    localStorage.removeItem("spotloom.theme");
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem("spotloom.theme", theme);
    document.documentElement.dataset.theme = theme;
  }
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
  }
}

async function signOut() {
  try {
    await api.delete("/api/session");
    location.assign("/sign-in");
  } catch (error) {
    complain(error);
  }
}

setTheme(localStorage.getItem("spotloom.theme") ?? "system");
for (const button of document.querySelectorAll("[data-theme-choice]")) {
  button.addEventListener("click", () => setTheme(button.dataset.themeChoice));
}
document
  .getElementById("account")
  ?.addEventListener(
    "toggle",
    ({ target }) =>
      import("./workspaces.js").then(({ fill }) => fill(target.querySelector("[data-workspaces]"))).catch(complain),
    { once: true },
  );
document.getElementById("sign-out")?.addEventListener("click", signOut);
document.getElementById("show-keys")?.addEventListener("click", help);

const switches = document.getElementById("single-keys");
switches?.setAttribute("aria-checked", String(single()));
switches?.addEventListener("click", () => {
  setSingle(!single());
  switches.setAttribute("aria-checked", String(single()));
});

const offline = document.getElementById("offline");
const network = () => (offline.hidden = navigator.onLine);
addEventListener("online", network);
addEventListener("offline", network);
network();

const go = (href) => () => location.assign(href);
keys({
  n: { does: "New brief", run: go("/new") },
  h: { does: "All campaigns", run: go("/") },
  q: { does: "The queue", run: go("/queue") },
});
offer(
  { label: "New brief", href: "/new" },
  { label: "All campaigns", href: "/" },
  { label: "Queue", href: "/queue" },
  { label: "Settings", href: "/settings" },
  ...THEMES.map((theme) => ({ label: `Theme: ${theme}`, run: () => setTheme(theme) })),
  { label: "Keyboard shortcuts", run: help },
  { label: "Sign out", run: signOut },
);
