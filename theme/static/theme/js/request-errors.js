// Bad weather: what the server or the network refused, in plain words, with nothing lost.
import { toast } from "./toasts.js";
import { words } from "./words.js";

const REASONS = { 400: "refused", 403: "forbidden", 404: "gone", 410: "gone", 413: "tooLarge", 422: "refused", 429: "tooMany" };

document.addEventListener("htmx:sendError", () => {
  toast(words(navigator.onLine ? "unreachable" : "offline"), "error");
});

document.addEventListener("htmx:timeout", () => toast(words("unreachable"), "error"));

document.addEventListener("htmx:responseError", (event) => {
  toast(words(REASONS[event.detail.xhr.status] ?? "failed"), "error");
});

// A refusal that is a fragment (a form with its errors) is shown in place; a whole page would not fit there.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (![400, 422, 429].includes(xhr.status)) return;
  if (/^\s*(<!doctype|<html)/i.test(xhr.responseText) || !xhr.responseText.trim()) {
    event.detail.shouldSwap = false;
    toast(words(REASONS[xhr.status]), "error");
  }
});

window.addEventListener("offline", () => toast(words("offline"), "warning"));
