// Errors of htmx requests, shown as toasts; the page keeps its content.
import { toast } from "./toasts.js";
import { translate } from "./translations.js";

const TEXT_KEYS = { 400: "refused", 403: "forbidden", 404: "gone", 410: "gone", 413: "tooLarge", 422: "refused", 429: "tooMany" };

document.addEventListener("htmx:sendError", () => {
  toast(translate(navigator.onLine ? "unreachable" : "offline"), "error");
});

document.addEventListener("htmx:timeout", () => toast(translate("unreachable"), "error"));

document.addEventListener("htmx:responseError", (event) => {
  toast(translate(TEXT_KEYS[event.detail.xhr.status] ?? "failed"), "error");
});

// A fragment (a form with its errors) is swapped in; a whole page is replaced by a toast.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (![400, 422, 429].includes(xhr.status)) return;
  if (/^\s*(<!doctype|<html)/i.test(xhr.responseText) || !xhr.responseText.trim()) {
    event.detail.shouldSwap = false;
    toast(translate(TEXT_KEYS[xhr.status]), "error");
  }
});

window.addEventListener("offline", () => toast(translate("offline"), "warning"));
