// Focus after a refused form, and the busy state of submit buttons.
import { setUpEach } from "./elements.js";

setUpEach("[data-error-summary]", (summary) => summary.focus());

setUpEach("form", (form) => {
  if (form.querySelector("[data-error-summary]")) return;
  form.querySelector("[aria-invalid='true']")?.focus();
});

// A plain submission leaves the page: until then the submit button is busy, and a second submission is prevented.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const byHtmx = form.matches("[hx-post], [hx-get], [hx-put], [hx-patch], [hx-delete], [method='dialog']");
  if (event.defaultPrevented || byHtmx || event.submitter?.matches("[hx-post], [hx-get], [formtarget], [download]")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
});

// A page from the back/forward cache: no submission is in progress.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  }
});
