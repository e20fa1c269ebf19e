// <textarea data-draft="key">: what is written stays in this browser until it has been sent; and with it the id of the form
// that it was sent with, so that it counts once when it is sent again from the page loaded anew.
import { each } from "./words.js";

const member = document.body.dataset.member;
const name = (area) => `draft:${member}:${area.dataset.draft}`;
const formKey = (key) => `${key}:form`;
const SENT = "drafts-sent";

const store = {
  get: (key, from = localStorage) => { try { return from.getItem(key); } catch { return null; } },
  set: (key, value, to = localStorage) => { try { to.setItem(key, value); } catch { /* full or refused: no draft */ } },
  drop: (key, from = localStorage) => { try { from.removeItem(key); } catch { /* refused */ } },
};

// A plain submission worked when it led here by itself: not by going back, and not to an error page.
settle();
function settle() {
  const sent = JSON.parse(store.get(SENT, sessionStorage) ?? "[]");
  store.drop(SENT, sessionStorage);
  // Who was sent to sign in instead is nobody here, or somebody else.
  const mine = sent.filter(({ key }) => key.startsWith(`draft:${member}:`));
  const arrived = performance.getEntriesByType("navigation")[0]?.type === "navigate";
  if (!arrived || document.body.hasAttribute("data-error-page")) return;
  for (const { key, from } of mine) {
    const area = [...document.querySelectorAll("textarea[data-draft]")].find((each) => name(each) === key);
    const refused = area && area.value !== "";
    if (document.referrer.split("#")[0] === from && !refused) drop(key);
  }
}

function drop(key) {
  store.drop(key);
  store.drop(formKey(key));
}

const idOf = (area) => area.form?.elements.submission_id;

each("textarea[data-draft]", (area) => {
  const kept = store.get(name(area));
  if (kept && area.value === "") {
    area.value = kept;
    const sentWith = store.get(formKey(name(area)));
    if (sentWith && idOf(area)) idOf(area).value = sentWith;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  } else store.drop(formKey(name(area)));
  area.addEventListener("input", () => {
    if (area.value.trim()) store.set(name(area), area.value);
    else drop(name(area));
  });
});

const areasOf = (element) => [...(element.closest?.("form")?.querySelectorAll("textarea[data-draft]") ?? [])];

function keepIds(form) {
  for (const area of areasOf(form)) if (idOf(area)) store.set(formKey(name(area)), idOf(area).value);
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig?.verb !== "get") keepIds(event.detail.elt);
});

// htmx: the answer tells. It is asked before the swap, while the form is still in the page.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { requestConfig, xhr } = event.detail;
  if (!requestConfig || requestConfig.verb === "get" || xhr.status >= 300) return;
  for (const area of areasOf(requestConfig.elt)) {
    drop(name(area));
    area.value = "";
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
});

document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-sign-out]")) return forget();
  if (event.defaultPrevented) return;
  keepIds(event.target);
  const sent = areasOf(event.target).map((area) => ({ key: name(area), from: location.href.split("#")[0] }));
  if (sent.length) store.set(SENT, JSON.stringify(sent), sessionStorage);
});

// Signing out leaves nothing behind on a shared computer.
function forget() {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith("draft:")) localStorage.removeItem(key);
  } catch { /* refused: nothing was kept either */ }
}
