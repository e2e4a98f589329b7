// The sign-in page's script: takes the secret out of the address and hands it over, once.
// It is kept nowhere that another page could read it, but for an invitation that waits for a sign-in.
"use strict";

const page = document.body.dataset;
const by = (id) => document.getElementById(id);
const WAITING = "spotloom.invitation";

function say(text) {
  by("say").textContent = text;
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

/** Go on to the page that was asked for, with the invitation that has waited for this sign-in. */
async function onward() {
  const waiting = sessionStorage.getItem(WAITING);
  sessionStorage.removeItem(WAITING);
  if (waiting) {
    try {
      await ask("POST", "/auth/invitations", { secret: waiting });
    } catch (error) {
      say(error.message);
      for (const id of ["busy", "ways", "invitation"]) by(id).hidden = true;
      by("onward").hidden = false;
      return;
    }
  }
  location.replace(page.after || "/");
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
    await onward();
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
    await onward();
  } catch (error) {
    if (error.status === 422) {
      by("title").textContent = "Welcome";
      by("invitation").hidden = false;
      submitted(by("invitation"), async ({ name, password }) => {
        await ask("POST", "/auth/invitations", { secret, name, password });
        sessionStorage.removeItem(WAITING);
        await onward();
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
      await onward();
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

async function copy({ target }) {
  const text = by("command");
  try {
    await navigator.clipboard.writeText(text.textContent);
    target.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(text); // so that the keyboard copies it
    target.textContent = "Selected";
  }
}

function signIn() {
  const secret = location.hash.slice(1);
  // Out of the address bar, the history and every screenshot, before anything else.
  if (secret) history.replaceState(null, "", location.pathname + location.search);
  submitted(by("password"), async ({ email, password }) => {
    await ask("POST", "/auth/password", { email: email || null, password });
    await onward();
  });
  by("clerk").addEventListener("click", useClerk);
  by("copy")?.addEventListener("click", copy);
  const waiting = sessionStorage.getItem(WAITING);
  if (secret.startsWith("spl_")) useLink(secret);
  else if (secret.startsWith("spi_")) useInvitation(secret);
  else if (secret === "clerk" && !by("clerk").hidden) useClerk();
  else if (waiting) useInvitation(waiting);
}

signIn();
