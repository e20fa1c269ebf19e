// <dialog>: opened by data-dialog, closed by data-dialog-close or a click outside; and confirmations.
import { setUpEach } from "./elements.js";
import { translate } from "./translations.js";

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog?.showModal && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    dialog.showModal();
    return;
  }
  const closer = event.target.closest("dialog [data-dialog-close]");
  if (closer) {
    // A link leads back where there is no dialog.
    event.preventDefault();
    closer.closest("dialog").close();
  } else if (event.target.matches("dialog[open]") && isOutside(event, event.target)) event.target.close();
});

function isOutside(event, dialog) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

setUpEach("dialog[data-dialog-open]", (dialog) => dialog.showModal());

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form[data-close-on-success]");
  if (form && event.detail.xhr?.status < 300) form.closest("dialog")?.close();
});

/** Asks for confirmation in the page's dialog; resolves to whether the user confirmed. */
export function confirmAction(text, label) {
  const dialog = document.querySelector("[data-confirm-dialog]");
  if (!dialog) return Promise.resolve(window.confirm(text));
  dialog.querySelector("[data-confirm-text]").textContent = text;
  dialog.querySelector("[data-confirm-yes]").textContent = label || translate("continue");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

const confirmed = new WeakSet();

// In the capture phase: before htmx handles the submission.
document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target;
    const source = event.submitter?.dataset.confirm ? event.submitter : form;
    if (!source.dataset?.confirm || confirmed.has(form)) return confirmed.delete(form);
    event.preventDefault();
    event.stopImmediatePropagation();
    const submitter = event.submitter;
    if (!(await confirmAction(source.dataset.confirm, source.dataset.confirmLabel))) return;
    confirmed.add(form);
    form.requestSubmit(submitter ?? undefined);
  },
  true,
);

document.addEventListener("htmx:confirm", async (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  if (await confirmAction(event.detail.question, event.detail.elt.dataset.confirmLabel)) event.detail.issueRequest(true);
});
