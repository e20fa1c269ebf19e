// The session of the page: it may end, or its CSRF token may expire, while the member writes. The page then stays as it is and
// keeps the text.
import { translate } from "./translations.js";

// Of background requests, in milliseconds.
const TIMEOUT = 15_000;
const SIGNED_OUT_AT = "signed-out-at";
// A notice is placed after the first, inside the second.
const AFTER = "form:not(#acts), .action-bar, [data-pager]";
const INSIDE = "[data-relation], .notification";

/** The id of the member for whom the page was rendered; "" for a visitor. */
export const member = document.body.dataset.member ?? "";

const loadedAt = Date.now();
const sentAgain = new WeakSet();

const tokenInputs = (root) => root.querySelectorAll("input[name='csrfmiddlewaretoken']");

async function fetchPage(url) {
  try {
    const options = { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout?.(TIMEOUT) };
    const response = await fetch(url, options);
    return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
  } catch {
    return null;
  }
}

/**
 * Fetches a new CSRF token, after a 403 that may mean that the old one has expired. Resolves to "fresh", "signed-out" (no
 * member, or another one, is signed in by now) or "unknown".
 */
export async function renewToken() {
  // After a refused form, the URL of the page may accept only POST.
  const fetched = (await fetchPage(location.href)) ?? (await fetchPage("/"));
  if (!fetched) return "unknown";
  if ((fetched.body.dataset.member ?? "") !== member) return "signed-out";
  const fresh = tokenInputs(fetched)[0]?.value;
  if (!fresh) return "unknown";
  for (const input of tokenInputs(document)) input.value = fresh;
  document.body.setAttribute("hx-headers", JSON.stringify({ "x-csrftoken": fresh }));
  return "fresh";
}

// -- Notices beside an element ---------------------------------------------------------------------
function noticePosition(element) {
  const inside = element.closest(INSIDE);
  if (inside) return { parent: inside.querySelector(".notification-text") ?? inside, sibling: null };
  return { parent: null, sibling: element.closest(AFTER) ?? element };
}

function removeNotice(element) {
  const { parent, sibling } = noticePosition(element);
  (parent ?? sibling?.parentElement)?.querySelector(":scope > [data-session-note]")?.remove();
}

function showNotice(element, text, link) {
  if (!element.isConnected) return;
  removeNotice(element);
  const notice = document.createElement("p");
  notice.className = "notice notice-warning";
  notice.dataset.sessionNote = "";
  notice.setAttribute("role", "alert");
  const content = document.createElement("span");
  content.append(text);
  if (link) content.append(" ", link);
  notice.append(content);
  const { parent, sibling } = noticePosition(element);
  if (parent) parent.append(notice);
  else sibling.after(notice);
}

// Whether drafts keep all input of the form. If not, only this tab has it, so the sign-in link must open another tab.
function isKept(form) {
  const fields = [...(form?.elements ?? [])];
  return !fields.some((field) => field.files?.length || (field.matches("textarea:not([data-draft]), input[type='text'], input[type='url']") && field.value !== field.defaultValue));
}

/** Shows beside `element` that the session has ended, with a sign-in link that leads back to this page. */
export function askToSignIn(element) {
  const link = document.createElement("a");
  const back = location.pathname + location.search;
  link.href = `${translate("signIn")}?next=${encodeURIComponent(back)}`;
  link.textContent = translate("signInAgain");
  link.className = "link-btn";
  const form = element.closest("form:not(#acts)");
  // A sign-out in another tab has dropped all drafts; store the text of this form again.
  for (const area of form?.querySelectorAll("textarea[data-draft]") ?? []) area.dispatchEvent(new Event("input", { bubbles: true }));
  if (!isKept(form)) link.target = "_blank";
  showNotice(element, translate("sessionEnded"), link);
}

// -- Requests of htmx ------------------------------------------------------------------------------
document.addEventListener("htmx:configRequest", (event) => {
  if (member) event.detail.headers["X-Page-Member"] = member;
});

document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, elt, requestConfig } = event.detail;
  if (xhr.getResponseHeader("X-Signed-Out")) {
    event.preventDefault();
    // Requests on load are not made by the member.
    if (requestConfig.triggeringEvent?.type !== "load") askToSignIn(elt);
  } else if (xhr.getResponseHeader("X-Token-Refused")) {
    event.preventDefault();
    sendAgain(elt);
  } else {
    sentAgain.delete(elt);
    removeNotice(elt);
  }
});

// A sign-in changes the CSRF token, and the pages of other tabs have the old one.
async function sendAgain(element) {
  const renewed = sentAgain.has(element) ? "unknown" : await renewToken();
  if (renewed === "signed-out") askToSignIn(element);
  else if (renewed === "unknown") {
    sentAgain.delete(element);
    showNotice(element, translate("tokenRefused"));
  } else {
    sentAgain.add(element);
    if (element.matches("form")) element.requestSubmit();
    else element.click();
  }
}

// -- Plain forms -----------------------------------------------------------------------------------
// A plain form leaves the page, and input that no draft keeps would be lost. So the session is checked first if the tab was
// hidden, since the member may have signed out in another tab, or if the page is old.
const LONG = 30 * 60_000;
let wasHidden = false;
const checked = new WeakSet();

document.addEventListener("visibilitychange", () => (wasHidden ||= document.visibilityState === "hidden"));

const byHtmx = (form, submitter) => form.matches("[hx-post], [hx-get], #acts, [data-sign-out], [data-send-form], [data-edit-form]") || submitter?.matches("[hx-post]");

document.addEventListener(
  "submit",
  async (event) => {
    const { target: form, submitter } = event;
    if (!member || form.method !== "post" || byHtmx(form, submitter) || checked.delete(form)) return;
    if (isKept(form) || !(wasHidden || Date.now() - loadedAt > LONG)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if ((await renewToken()) === "signed-out") return askToSignIn(form);
    removeNotice(form);
    checked.add(form);
    form.requestSubmit(submitter ?? undefined);
  },
  true,
);

// -- Pages from the back/forward cache -------------------------------------------------------------
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-sign-out]")) return;
  try {
    localStorage.setItem(SIGNED_OUT_AT, String(Date.now()));
  } catch { /* refused: pages ask the server */ }
});

function signedOutSince() {
  try {
    return Number(localStorage.getItem(SIGNED_OUT_AT)) >= loadedAt;
  } catch {
    return false;
  }
}

// The sign-in page redirects signed-in members.
async function isSignedOut() {
  try {
    return (await fetch(translate("signIn"), { method: "HEAD", redirect: "manual", cache: "no-store" })).ok;
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
