// Where the eye should go after a refusal, and a button that shows that it was heard.
import { each } from "./words.js";

each("[data-error-summary]", (summary) => summary.focus());

each("form", (form) => {
  if (form.querySelector("[data-error-summary]")) return;
  form.querySelector("[aria-invalid='true']")?.focus();
});

// A plain submission leaves the page: the pressed button is busy until then, and cannot be pressed twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const byHtmx = form.matches("[hx-post], [hx-get], [hx-put], [hx-patch], [hx-delete], [method='dialog']");
  if (event.defaultPrevented || byHtmx || event.submitter?.matches("[hx-post], [hx-get], [formtarget], [download]")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
});

// Back to a page that the browser kept: nothing is on its way any more.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  }
});
