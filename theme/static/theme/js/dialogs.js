// <dialog>: opened by data-dialog, closed by data-dialog-close or a click beside it; and "are you sure".
import { each, words } from "./words.js";

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog?.showModal && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    dialog.showModal();
    return;
  }
  if (event.target.closest("[data-dialog-close]")) event.target.closest("dialog")?.close();
  else if (event.target.matches("dialog[open]") && beside(event, event.target)) event.target.close();
});

function beside(event, dialog) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

each("dialog[data-dialog-open]", (dialog) => dialog.showModal());

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form[data-close-on-success]");
  if (form && event.detail.xhr?.status < 300) form.closest("dialog")?.close();
});

/** Asks in the page's own dialog; true when the answer is yes. */
export function sure(text, label) {
  const dialog = document.querySelector("[data-confirm-dialog]");
  if (!dialog) return Promise.resolve(window.confirm(text));
  dialog.querySelector("[data-confirm-text]").textContent = text;
  dialog.querySelector("[data-confirm-yes]").textContent = label || words("continue");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

const answered = new WeakSet();

// In the capture phase: before htmx sees the submission.
document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target;
    const asker = event.submitter?.dataset.confirm ? event.submitter : form;
    if (!asker.dataset?.confirm || answered.has(form)) return answered.delete(form);
    event.preventDefault();
    event.stopImmediatePropagation();
    const submitter = event.submitter;
    if (!(await sure(asker.dataset.confirm, asker.dataset.confirmLabel))) return;
    answered.add(form);
    form.requestSubmit(submitter ?? undefined);
  },
  true,
);

document.addEventListener("htmx:confirm", async (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  if (await sure(event.detail.question, event.detail.elt.dataset.confirmLabel)) event.detail.issueRequest(true);
});
