// What became of one's own messages: sent, delivered when every other has got them, read when every other has.
import { lines } from "./log.js";
import { me, on, talk } from "./talk.js";
import { words } from "./words.js";

let cursors = JSON.parse(talk.dataset.cursors || "[]");

/** "sent", "delivered" or "read" (messaging.pages.mark_of). */
function markOf(seq) {
  if (cursors.length && cursors.every(({ read }) => read >= seq)) return "read";
  return cursors.length && cursors.every(({ delivered }) => delivered >= seq) ? "delivered" : "sent";
}

/** Shows the mark `name`, in words for all. */
export function setMark(element, name, text = words(name)) {
  const mark = element.querySelector("[data-mark]");
  if (!mark || mark.textContent === text) return;
  mark.dataset.mark = name;
  mark.textContent = text;
}

function show() {
  const own = lines().filter((line) => Number(line.dataset.author) === me);
  for (const line of own.reverse()) {
    const name = markOf(Number(line.dataset.seq));
    // Cursors only go forward, so above a line that was marked as read all are.
    if (line.querySelector("[data-mark='read']")) return;
    setMark(line, name);
  }
}

/** The newest list of members; an answer that was made before the last frame and comes after it takes nothing back. */
function merge(received) {
  return received.map(({ member, delivered, read }) => {
    const known = cursors.find((cursor) => cursor.member === member) ?? { delivered: 0, read: 0 };
    return { member, delivered: Math.max(delivered, known.delivered), read: Math.max(read, known.read) };
  });
}

on("cursors", (received) => {
  cursors = merge(received);
  show();
});
on("changed", (line) => {
  if (line === null) show();
  else if (Number(line.dataset.author) === me) setMark(line, markOf(Number(line.dataset.seq)));
});
