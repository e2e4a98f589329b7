// The sign-in pages' only script. It reads the secret from the address, hands it over once, and
// never keeps it where another page could read it, but for an invitation that waits for a sign-in.
"use strict";

const page = document.body.dataset;
const by = (id) => document.getElementById(id);
const WAITING = "spotloom.invitation";

function say(text, good = false) {
  by("say").textContent = text;
  by("say").classList.toggle("good", good);
}

async function ask(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      credentials: "same-origin",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Error("Spotloom does not answer. Is it running?");
  }
  if (answer.status === 204) return null;
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  const wrong = (told.errors || []).map((e) => e.message).join(" ");
  const error = new Error(wrong || told.detail || `The answer was ${answer.status}.`);
  error.status = answer.status;
  throw error;
}

function onward() {
  location.replace(page.after || "/sign-in/done");
}

function submitted(form, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    say("");
    try {
      await work(Object.fromEntries(new FormData(form)));
    } catch (error) {
      say(error.message);
    } finally {
      button.disabled = false;
    }
  });
}

async function useLink(secret) {
  by("busy").hidden = false;
  by("ways").hidden = true;
  try {
    await ask("POST", "/auth/link", { secret });
    onward();
  } catch (error) {
    say(error.message);
    by("busy").hidden = true;
    by("ways").hidden = false;
  }
}

async function useInvitation(secret) {
  try {
    await ask("POST", "/auth/invitations", { secret });
    sessionStorage.removeItem(WAITING);
    onward();
  } catch (error) {
    if (error.status === 422) {
      by("invitation").hidden = false;
      submitted(by("invitation"), async ({ name, password }) => {
        await ask("POST", "/auth/invitations", { secret, name, password });
        sessionStorage.removeItem(WAITING);
        onward();
      });
    } else {
      say(error.message);
    }
    sessionStorage.setItem(WAITING, secret);
  }
}

function script(source, key) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = source;
    element.async = true;
    element.crossOrigin = "anonymous";
    element.dataset.clerkPublishableKey = key;
    element.addEventListener("load", resolve);
    element.addEventListener("error", () => reject(new Error("Clerk does not answer.")));
    document.head.append(element);
  });
}

async function useClerk() {
  say("");
  by("clerk").disabled = true;
  try {
    if (!window.Clerk) await script(page.clerkScript, page.clerkKey);
    await window.Clerk.load();
    const token = window.Clerk.session && (await window.Clerk.session.getToken());
    if (token) {
      await ask("POST", "/auth/clerk", { token });
      onward();
    } else {
      const back = `${location.origin}/sign-in?after=${encodeURIComponent(page.after)}#clerk`;
      await window.Clerk.redirectToSignIn({
        signInForceRedirectUrl: back,
        signUpForceRedirectUrl: back,
      });
    }
  } catch (error) {
    say(error.message);
  } finally {
    by("clerk").disabled = false;
  }
}

function signIn() {
  const secret = location.hash.slice(1);
  // Out of the address bar, the history and every screenshot, before anything else.
  if (secret) history.replaceState(null, "", location.pathname + location.search);
  submitted(by("password"), async ({ email, password }) => {
    await ask("POST", "/auth/password", { email: email || null, password });
    onward();
  });
  by("clerk").addEventListener("click", useClerk);
  const waiting = sessionStorage.getItem(WAITING);
  if (secret.startsWith("spl_")) useLink(secret);
  else if (secret.startsWith("spi_")) useInvitation(secret);
  else if (secret === "clerk" && !by("clerk").hidden) useClerk();
  else if (waiting) useInvitation(waiting);
}

async function done() {
  let state, parts;
  try {
    const waiting = sessionStorage.getItem(WAITING);
    if (waiting) {
      sessionStorage.removeItem(WAITING);
      await ask("POST", "/auth/invitations", { secret: waiting }).catch((e) => say(e.message));
    }
    state = await ask("GET", "/api/session");
    parts = (await ask("GET", "/api/workspaces")).items;
  } catch {
    location.replace("/sign-in");
    return;
  }
  by("title").textContent = `You are signed in as ${state.actor.name}`;
  by("role").textContent = state.actor.role;
  for (const part of parts) {
    const option = new Option(part.name, part.id, part.current, part.current);
    by("workspace").append(option);
  }
  by("workspace").disabled = parts.length < 2;
  by("workspace").addEventListener("change", async (event) => {
    await ask("POST", "/api/session/workspace", { workspaceId: event.target.value });
    location.reload();
  });
  by("secure").hidden = !state.maySetPassword;
  by("current-row").hidden = !state.hasPassword;
  by("secure-title").textContent = state.hasPassword ? "Change your password" : "Set a password";
  submitted(by("set-password"), async ({ current, password }) => {
    await ask("PUT", "/api/session/password", { current: current || null, password });
    by("set-password").reset();
    by("current-row").hidden = false;
    say("The password is saved. Your other browsers are signed out.", true);
  });
  by("leave").addEventListener("click", async () => {
    await ask("DELETE", "/api/session");
    location.replace("/sign-in");
  });
  by("inside").hidden = false;
}

if (page.page === "done") done();
else signIn();
