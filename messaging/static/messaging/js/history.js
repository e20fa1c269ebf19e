// Older lines come when one scrolls up to them, and those after a search result when one scrolls down.
import { goOn, inThePast, prepend } from "./log.js";
import { keepPlace } from "./scroll.js";
import { on, part, talk } from "./talk.js";
import { parts } from "./transport.js";
import { words } from "./words.js";

const box = part("log");
const top = document.createElement("div");
const status = document.createElement("p");
const end = document.createElement("div");

let isLoading = false;

async function load() {
  if (isLoading || talk.dataset.more !== "true") return;
  isLoading = true;
  status.textContent = words("loadingOlder");
  status.hidden = false;
  const elements = await parts(`${talk.dataset.olderUrl}${talk.dataset.first}`);
  status.hidden = elements !== null;
  if (elements) insert(elements);
  else status.textContent = words("olderFailed");
  isLoading = false;
  again();
}

function insert(elements) {
  const marked = elements.find((element) => element.dataset.more !== undefined);
  // Old lines are no news to those who listen.
  box.setAttribute("aria-live", "off");
  keepPlace(() => prepend(elements, marked?.dataset.more === "true" && elements.length > 0));
  setTimeout(() => box.removeAttribute("aria-live"), 1000);
}

// The observer tells of changes only: what is still in view is looked at anew.
function again() {
  observer.unobserve(top);
  if (talk.dataset.more === "true" && status.textContent !== words("olderFailed")) observer.observe(top);
}

function retry() {
  status.textContent = "";
  again();
}

async function loadLater() {
  if (isLoading || !inThePast()) return;
  isLoading = true;
  await goOn();
  isLoading = false;
  observer.unobserve(end);
  if (inThePast()) observer.observe(end);
}

const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) (entry.target === top ? load : loadLater)();
  }
}, { root: box, rootMargin: "300px 0px" });

/** Begins to look at both ends. */
export function start() {
  status.className = "log-status meta";
  status.hidden = true;
  box.prepend(top, status);
  box.append(end);
  part("older")?.remove();
  again();
  if (inThePast()) observer.observe(end);
  on("shortened", again);
  on("answered", () => status.textContent === words("olderFailed") && retry());
  box.addEventListener("scroll", () => box.scrollTop === 0 && status.textContent === words("olderFailed") && retry());
  for (const what of ["to-newest", "sent"]) on(what, () => inThePast() && location.assign(location.pathname));
}
