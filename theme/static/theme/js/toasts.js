// Toasts: temporary messages in the live region of the page.
import { setUpEach } from "./elements.js";

const DURATION_MS = 8000;

/** Shows `text` in a toast; level: success, info, warning or error. */
export function toast(text, level = "info") {
  const region = document.getElementById("toasts");
  if (!region || !text) return;
  for (const same of region.querySelectorAll(".toast-text")) if (same.textContent === text) same.closest(".toast").remove();
  const template = document.getElementById(`toast-${level}`) ?? document.getElementById("toast-info");
  const box = template.content.firstElementChild.cloneNode(true);
  box.querySelector(".toast-text").textContent = text;
  region.append(box);
  removeLater(box);
}

function removeLater(box) {
  if (box.dataset.toast === "stay") return;
  let timer;
  const start = () => (timer = setTimeout(() => box.remove(), DURATION_MS));
  const pause = () => clearTimeout(timer);
  box.addEventListener("mouseenter", pause);
  box.addEventListener("focusin", pause);
  box.addEventListener("mouseleave", start);
  box.addEventListener("focusout", start);
  start();
}

setUpEach("#toasts > .toast", removeLater);

document.addEventListener("click", (event) => {
  event.target.closest("[data-toast-close]")?.closest(".toast").remove();
});

// HX-Trigger: {"toast": {"text": "…", "level": "success"}}
document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.level));
