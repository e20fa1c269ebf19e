// Where one reads stays where it is; only who is at the newest line goes along with what comes.
import { on, part, tell } from "./talk.js";
import { counted, words } from "./words.js";

// This close to the end counts as the end, in pixels.
const NEAR = 48;

const box = part("log");
const button = part("newest");

let atEnd = true;
let missed = 0;

export const isAtEnd = () => atEnd;

const measure = () => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;

/** Goes to the newest line. */
export function toEnd() {
  atEnd = true;
  box.scrollTop = box.scrollHeight;
  seen();
}

/** Does `work`, which adds or changes lines, without moving what is read; counts `lines` new ones that are below. */
export function follow(work, lines = 0) {
  if (atEnd) {
    work();
    box.scrollTop = box.scrollHeight;
    return;
  }
  keepPlace(work);
  missed += lines;
  label();
}

/** Does `work` and puts the first line in view back where it was. */
export function keepPlace(work) {
  const top = box.getBoundingClientRect().top;
  const anchor = [...box.querySelectorAll("[data-seq]")].find((line) => line.getBoundingClientRect().bottom > top);
  const before = anchor?.getBoundingClientRect().top;
  const id = anchor?.id;
  work();
  const after = (anchor?.isConnected ? anchor : document.getElementById(id))?.getBoundingClientRect().top;
  if (before !== undefined && after !== undefined) box.scrollTop += after - before;
}

function seen() {
  missed = 0;
  label();
  tell("end");
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
  tell("scrolled");
}, { passive: true });

button?.addEventListener("click", () => {
  tell("to-newest");
  toEnd();
  tell("focus");
});

// Pictures that arrive, a composer that grows, a phone that is turned: the end stays the end.
const sizes = new ResizeObserver(() => {
  if (atEnd) box.scrollTop = box.scrollHeight;
});
sizes.observe(box);
for (const child of box.children) sizes.observe(child);

on("sent", toEnd);

/** Begins where one left off: at the first line that is not read, at the one that was searched for, or at the end. */
export function start() {
  const there = box.querySelector("[data-divider], .is-found");
  if (!there) return toEnd();
  const past = there.getBoundingClientRect().top - box.getBoundingClientRect().top;
  box.scrollTop += past - box.clientHeight / 4;
  atEnd = measure();
  label();
}
