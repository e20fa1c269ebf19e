// <a data-in-dialog=".row" href="…/edit/">: the form of that page opens in a dialog of this page. Its response replaces the closest
// element that matches the selector, and the focus comes back to it. Where none matches, the form is sent as on its own page;
// without JavaScript the link leads there.
import { firstField, focusField, focusOn, isFocusLost, shownPart } from "./controls.js";

const openers = new WeakMap();

/** The link that opened the dialog that `element` is in. */
export const openerOf = (element) => openers.get(element.closest?.("dialog"));

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-in-dialog]");
  if (!link || !window.htmx || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (!document.querySelector("[data-page-dialog]")) openPage(link);
});

async function openPage(link) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.dataset.pageDialog = "";
  dialog.setAttribute("aria-labelledby", "page-dialog-title");
  openers.set(dialog, link);
  dialog.addEventListener("close", () => closed(dialog, link));
  document.body.append(dialog);
  try {
    // A notice about the session is shown beside the source; a link in a menu is hidden by now.
    const source = link.closest("details[data-menu]") ?? link;
    await window.htmx.ajax("GET", link.href, { source, target: dialog, swap: "innerHTML" });
  } catch { /* no answer: a toast says so */ }
  const form = dialog.querySelector("form");
  if (!form) return dialog.remove();
  // Sent without htmx, it goes to its own page, not to this one.
  if (!form.hasAttribute("action")) form.action = link.href;
  dialog.showModal();
  const field = firstField(dialog);
  if (field) focusField(field);
}

function closed(dialog, link) {
  dialog.remove();
  const opener = link.isConnected && shownPart(link);
  if (opener && isFocusLost()) focusOn(opener);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const link = openerOf(form);
  const place = link?.closest(link.dataset.inDialog);
  if (!place || event.defaultPrevented) return;
  event.preventDefault();
  if (form.classList.contains("htmx-request")) return;
  window.htmx.ajax("POST", link.href, { source: form, event, target: place, swap: "outerHTML" }).catch(() => {});
});

// A refused form is shown in its dialog.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const dialog = detail.requestConfig?.elt.closest?.("[data-page-dialog]");
  if (!dialog || !detail.shouldSwap) return;
  if (detail.xhr.status < 300) dialog.close();
  else Object.assign(detail, { target: dialog, swapOverride: "innerHTML", selectOverride: "unset" });
});
