// Messages that come and go, in the page's live region.
import { each, words } from "./words.js";

const STAYS = 8000;
const SHAPES = { success: "toast-good", warning: "toast-warning", error: "toast-danger" };

/** Says `text` in a toast; level: success, info, warning or error. */
export function toast(text, level = "info") {
  const region = document.getElementById("toasts");
  if (!region || !text) return;
  for (const same of region.querySelectorAll(".toast-text")) if (same.textContent === text) same.closest(".toast").remove();
  const box = document.createElement("div");
  box.className = `toast ${SHAPES[level] ?? ""}`;
  box.dataset.toast = level === "error" ? "stay" : "";
  if (level === "error") box.setAttribute("role", "alert");
  const line = document.createElement("p");
  line.className = "toast-text";
  line.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "toast-close";
  close.dataset.toastClose = "";
  close.setAttribute("aria-label", words("close"));
  close.textContent = "×";
  box.append(line, close);
  region.append(box);
  leave(box);
}

function leave(box) {
  if (box.dataset.toast === "stay") return;
  let timer;
  const start = () => (timer = setTimeout(() => box.remove(), STAYS));
  const hold = () => clearTimeout(timer);
  box.addEventListener("mouseenter", hold);
  box.addEventListener("focusin", hold);
  box.addEventListener("mouseleave", start);
  box.addEventListener("focusout", start);
  start();
}

each("#toasts > .toast", leave);

document.addEventListener("click", (event) => {
  event.target.closest("[data-toast-close]")?.closest(".toast").remove();
});

// HX-Trigger: {"toast": {"text": "…", "level": "success"}}
document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.level));
