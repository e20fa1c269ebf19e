// <textarea data-draft="key">: its text is kept in this browser until it is sent, together with the submission id of the
// form, so that sending it again from the reloaded page creates no second row.
import { setUpEach } from "./elements.js";

const member = document.body.dataset.member;
const keyOf = (area) => `draft:${member}:${area.dataset.draft}`;
const formKey = (key) => `${key}:form`;
const SENT = "drafts-sent";

const store = {
  get: (key, from = localStorage) => { try { return from.getItem(key); } catch { return null; } },
  set: (key, value, to = localStorage) => { try { to.setItem(key, value); } catch { /* full or refused: no draft */ } },
  drop: (key, from = localStorage) => { try { from.removeItem(key); } catch { /* refused */ } },
};

// A plain submission succeeded if it navigated here, not with "back" and not to an error page.
dropSentDrafts();
function dropSentDrafts() {
  const sent = JSON.parse(store.get(SENT, sessionStorage) ?? "[]");
  store.drop(SENT, sessionStorage);
  // After a redirect to sign-in, the page belongs to a visitor or to another member.
  const mine = sent.filter(({ key }) => key.startsWith(`draft:${member}:`));
  const isNavigation = performance.getEntriesByType("navigation")[0]?.type === "navigate";
  if (!isNavigation || document.body.hasAttribute("data-error-page")) return;
  for (const { key, from } of mine) {
    const area = [...document.querySelectorAll("textarea[data-draft]")].find((other) => keyOf(other) === key);
    const isRefused = area && area.value !== "";
    if (document.referrer.split("#")[0] === from && !isRefused) dropDraft(key);
  }
}

function dropDraft(key) {
  store.drop(key);
  store.drop(formKey(key));
}

const idField = (area) => area.form?.elements.submission_id;

setUpEach("textarea[data-draft]", (area) => {
  const draft = store.get(keyOf(area));
  if (draft && area.value === "") {
    area.value = draft;
    const sentWith = store.get(formKey(keyOf(area)));
    if (sentWith && idField(area)) idField(area).value = sentWith;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  } else store.drop(formKey(keyOf(area)));
  area.addEventListener("input", () => {
    if (area.value.trim()) store.set(keyOf(area), area.value);
    else dropDraft(keyOf(area));
  });
});

const areasOf = (element) => [...(element.closest?.("form")?.querySelectorAll("textarea[data-draft]") ?? [])];

function storeIds(form) {
  for (const area of areasOf(form)) if (idField(area)) store.set(formKey(keyOf(area)), idField(area).value);
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig?.verb !== "get") storeIds(event.detail.elt);
});

// With htmx, the response shows the success. It is checked before the swap, while the form is still in the page.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { requestConfig, xhr } = event.detail;
  if (!requestConfig || requestConfig.verb === "get" || xhr.status >= 300) return;
  for (const area of areasOf(requestConfig.elt)) {
    dropDraft(keyOf(area));
    area.value = "";
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
});

document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-sign-out]")) return dropAllDrafts();
  if (event.defaultPrevented) return;
  storeIds(event.target);
  const sent = areasOf(event.target).map((area) => ({ key: keyOf(area), from: location.href.split("#")[0] }));
  if (sent.length) store.set(SENT, JSON.stringify(sent), sessionStorage);
});

// Sign-out leaves no drafts on a shared computer.
function dropAllDrafts() {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith("draft:")) localStorage.removeItem(key);
  } catch { /* refused: no draft was stored either */ }
}
