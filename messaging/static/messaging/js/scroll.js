// Keeps the reading position; only a member at the newest entry follows new ones.
import { conversationEvents } from "./conversation-events.js";
import { part } from "./conversation-page.js";
import { counted, words } from "./translations.js";

// This close to the end counts as the end, in pixels.
const NEAR = 48;

const box = part("log");
const button = part("newest");

let atEnd = true;
let missed = 0;

export const isAtEnd = () => atEnd;

const measure = () => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;

/** Scrolls to the newest entry. */
export function toEnd() {
  atEnd = true;
  box.scrollTop = box.scrollHeight;
  seen();
}

/** Runs `work`, which adds or changes entries, without moving what is being read; counts `added` new ones below it. */
export function follow(work, added = 0) {
  if (atEnd) {
    work();
    box.scrollTop = box.scrollHeight;
    return;
  }
  keepPosition(work);
  missed += added;
  label();
}

/** Runs `work` and puts the first visible entry back where it was. */
export function keepPosition(work) {
  const top = box.getBoundingClientRect().top;
  const anchor = [...box.querySelectorAll("[data-seq]")].find((element) => element.getBoundingClientRect().bottom > top);
  const before = anchor?.getBoundingClientRect().top;
  const id = anchor?.id;
  work();
  const after = (anchor?.isConnected ? anchor : document.getElementById(id))?.getBoundingClientRect().top;
  if (before !== undefined && after !== undefined) box.scrollTop += after - before;
}

function seen() {
  missed = 0;
  label();
  conversationEvents.emit("end");
}

function label() {
  if (!button) return;
  button.hidden = atEnd;
  const text = missed ? counted("newest", missed) : words("toTheNewest");
  button.textContent = text;
}

box.addEventListener("scroll", () => {
  const was = atEnd;
  atEnd = measure();
  if (atEnd && !was) seen();
  else if (was !== atEnd) label();
  conversationEvents.emit("scrolled");
}, { passive: true });

button?.addEventListener("click", () => {
  conversationEvents.emit("to-newest");
  toEnd();
  conversationEvents.emit("focus");
});

// Pictures that arrive, a composer that grows, a phone that is turned: the end stays the end.
const sizes = new ResizeObserver(() => {
  if (atEnd) box.scrollTop = box.scrollHeight;
});
sizes.observe(box);
for (const child of box.children) sizes.observe(child);

conversationEvents.on("sent", toEnd);

/** Starts at the first unread entry, at the one that was searched for, or at the end. */
export function start() {
  const there = box.querySelector("[data-divider], .is-found");
  if (!there) return toEnd();
  const past = there.getBoundingClientRect().top - box.getBoundingClientRect().top;
  box.scrollTop += past - box.clientHeight / 4;
  atEnd = measure();
  label();
}
