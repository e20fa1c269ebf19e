// Messages that come and go, in the page's live region.
import { each } from "./words.js";

const STAYS = 8000;

/** Says `text` in a toast; level: success, info, warning or error. */
export function toast(text, level = "info") {
  const region = document.getElementById("toasts");
  if (!region || !text) return;
  for (const same of region.querySelectorAll(".toast-text")) if (same.textContent === text) same.closest(".toast").remove();
  const shape = document.getElementById(`toast-${level}`) ?? document.getElementById("toast-info");
  const box = shape.content.firstElementChild.cloneNode(true);
  box.querySelector(".toast-text").textContent = text;
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
