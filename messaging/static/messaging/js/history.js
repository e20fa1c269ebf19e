// Loads older entries when the member scrolls up, and those after a search result when the member scrolls down.
import { goOn, isInThePast, prepend } from "./log.js";
import { keepPosition } from "./scroll.js";
import { conversationEvents } from "./conversation-events.js";
import { conversationElement, part } from "./conversation-page.js";
import { parts } from "./transport.js";
import { words } from "./translations.js";

const box = part("log");
const top = document.createElement("div");
const status = document.createElement("p");
const end = document.createElement("div");

let isLoading = false;

async function load() {
  if (isLoading || conversationElement.dataset.more !== "true") return;
  isLoading = true;
  status.textContent = words("loadingOlder");
  status.hidden = false;
  const elements = await parts(`${conversationElement.dataset.olderUrl}${conversationElement.dataset.first}`);
  status.hidden = elements !== null;
  if (elements) insert(elements);
  else status.textContent = words("olderFailed");
  isLoading = false;
  again();
}

function insert(elements) {
  const marked = elements.find((element) => element.dataset.more !== undefined);
  // Older entries are not announced by screen readers.
  box.setAttribute("aria-live", "off");
  keepPosition(() => prepend(elements, marked?.dataset.more === "true" && elements.length > 0));
  setTimeout(() => box.removeAttribute("aria-live"), 1000);
}

// The observer reports changes only: what is still in view is observed once more.
function again() {
  observer.unobserve(top);
  if (conversationElement.dataset.more === "true" && status.textContent !== words("olderFailed")) observer.observe(top);
}

function retry() {
  status.textContent = "";
  again();
}

async function loadLater() {
  if (isLoading || !isInThePast()) return;
  isLoading = true;
  await goOn();
  isLoading = false;
  observer.unobserve(end);
  if (isInThePast()) observer.observe(end);
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
  // Its room stays: the entries below it do not move.
  if (part("older")) part("older").style.visibility = "hidden";
  again();
  if (isInThePast()) observer.observe(end);
  conversationEvents.on("shortened", again);
  conversationEvents.on("answered", () => status.textContent === words("olderFailed") && retry());
  box.addEventListener("scroll", () => box.scrollTop === 0 && status.textContent === words("olderFailed") && retry());
  for (const what of ["to-newest", "sent"]) conversationEvents.on(what, () => isInThePast() && location.assign(location.pathname));
}
