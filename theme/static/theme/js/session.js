// The session behind the page: it may end, or its token may go stale, while somebody writes here. Nothing is put into the page
// then, and what was written stays.
import { words } from "./words.js";

// What is only asked for is not waited for longer (milliseconds).
const PATIENCE = 15_000;
const SIGNED_OUT_AT = "signed-out-at";
// Where a sentence stands behind what was pressed, and where inside.
const BEHIND = "form:not(#acts), .action-bar, [data-pager]";
const INSIDE = "[data-relation], .news";

/** The id of the member for whom the page was made; "" for a visitor. */
export const member = document.body.dataset.member ?? "";

const loadedAt = Date.now();
const sentAgain = new WeakSet();

const tokens = (root) => root.querySelectorAll("input[name='csrfmiddlewaretoken']");

async function page(url) {
  try {
    const options = { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout?.(PATIENCE) };
    const answer = await fetch(url, options);
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  } catch {
    return null;
  }
}

/**
 * Fetches the token against forged requests anew, after a 403 that may mean that it has grown old. Resolves to "fresh",
 * "signed-out" (nobody, or somebody else, is signed in by now) or "unknown".
 */
export async function renewToken() {
  // The address of a form that was refused cannot be asked for.
  const fetched = (await page(location.href)) ?? (await page("/"));
  if (!fetched) return "unknown";
  if ((fetched.body.dataset.member ?? "") !== member) return "signed-out";
  const fresh = tokens(fetched)[0]?.value;
  if (!fresh) return "unknown";
  for (const input of tokens(document)) input.value = fresh;
  document.body.setAttribute("hx-headers", JSON.stringify({ "x-csrftoken": fresh }));
  return "fresh";
}

// -- A sentence at the place -----------------------------------------------------------------------
function noteAt(element) {
  const inside = element.closest(INSIDE);
  if (inside) return { box: inside.querySelector(".news-text") ?? inside, behind: null };
  return { box: null, behind: element.closest(BEHIND) ?? element };
}

function forget(element) {
  const { box, behind } = noteAt(element);
  (box?.querySelector(":scope > [data-session-note]") ?? behind?.parentElement?.querySelector(":scope > [data-session-note]"))?.remove();
}

function say(element, text, link) {
  if (!element.isConnected) return;
  forget(element);
  const note = document.createElement("p");
  note.className = "notice notice-warning";
  note.dataset.sessionNote = "";
  note.setAttribute("role", "alert");
  const said = document.createElement("span");
  said.append(text);
  if (link) said.append(" ", link);
  note.append(said);
  const { box, behind } = noteAt(element);
  if (box) box.append(note);
  else behind.after(note);
}

// What a draft does not keep is kept by this tab alone: then one signs in in another.
function isKept(form) {
  const fields = [...(form?.elements ?? [])];
  return !fields.some((field) => field.files?.length || (field.matches("textarea:not([data-draft]), input[type='text'], input[type='url']") && field.value !== field.defaultValue));
}

/** Says beside `element` that the session has ended, with a link to sign in that leads back here. */
export function askToSignIn(element) {
  const link = document.createElement("a");
  const back = location.pathname + location.search;
  link.href = `${words("signIn")}?next=${encodeURIComponent(back)}`;
  link.textContent = words("signInAgain");
  link.className = "link-btn";
  const form = element.closest("form:not(#acts)");
  // Signing out in another tab has dropped all drafts; what still stands here is kept anew.
  for (const area of form?.querySelectorAll("textarea[data-draft]") ?? []) area.dispatchEvent(new Event("input", { bubbles: true }));
  if (!isKept(form)) link.target = "_blank";
  say(element, words("sessionEnded"), link);
}

// -- Requests of htmx ------------------------------------------------------------------------------
document.addEventListener("htmx:configRequest", (event) => {
  if (member) event.detail.headers["X-Page-Member"] = member;
});

document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, elt, requestConfig } = event.detail;
  if (xhr.getResponseHeader("X-Signed-Out")) {
    event.preventDefault();
    // What a page fetches by itself is nobody's act.
    if (requestConfig.triggeringEvent?.type !== "load") askToSignIn(elt);
  } else if (xhr.getResponseHeader("X-Token-Refused")) {
    event.preventDefault();
    sendAgain(elt);
  } else {
    sentAgain.delete(elt);
    forget(elt);
  }
});

// Signing in makes a new token, and leaves the pages of other tabs with the old one.
async function sendAgain(element) {
  const renewed = sentAgain.has(element) ? "unknown" : await renewToken();
  if (renewed === "signed-out") askToSignIn(element);
  else if (renewed === "unknown") {
    sentAgain.delete(element);
    say(element, words("tokenRefused"));
  } else {
    sentAgain.add(element);
    if (element.matches("form")) element.requestSubmit();
    else element.click();
  }
}

// -- Plain forms -----------------------------------------------------------------------------------
// A plain form leaves the page, and what no draft keeps would be lost: whoever was elsewhere meanwhile, where one can sign
// out, or stayed here for long, is asked for first.
const LONG = 30 * 60_000;
let wasAway = false;
const asked = new WeakSet();

document.addEventListener("visibilitychange", () => (wasAway ||= document.visibilityState === "hidden"));

const byHtmx = (form, submitter) => form.matches("[hx-post], [hx-get], #acts, [data-sign-out], [data-send-form], [data-edit-form]") || submitter?.matches("[hx-post]");

document.addEventListener(
  "submit",
  async (event) => {
    const { target: form, submitter } = event;
    if (!member || form.method !== "post" || byHtmx(form, submitter) || asked.delete(form)) return;
    if (isKept(form) || !(wasAway || Date.now() - loadedAt > LONG)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if ((await renewToken()) === "signed-out") return askToSignIn(form);
    forget(form);
    asked.add(form);
    form.requestSubmit(submitter ?? undefined);
  },
  true,
);

// -- Back to a page that the browser kept ----------------------------------------------------------
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-sign-out]")) return;
  try {
    localStorage.setItem(SIGNED_OUT_AT, String(Date.now()));
  } catch { /* refused: the server is asked */ }
});

function signedOutSince() {
  try {
    return Number(localStorage.getItem(SIGNED_OUT_AT)) >= loadedAt;
  } catch {
    return false;
  }
}

// The page to sign in leads elsewhere whoever has signed in.
async function isSignedOut() {
  try {
    return (await fetch(words("signIn"), { method: "HEAD", redirect: "manual", cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

window.addEventListener("pageshow", async ({ persisted }) => {
  if (!persisted || !member) return;
  if (signedOutSince()) document.body.replaceChildren();
  else if (!(await isSignedOut())) return;
  location.reload();
});
