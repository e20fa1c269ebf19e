// The state of the member's own messages: sent, delivered when all others have received them, read when all have read them.
import { entryElements } from "./log.js";
import { conversationEvents } from "./conversation-events.js";
import { conversationElement, memberId } from "./conversation-page.js";
import { words } from "./translations.js";

let cursors = JSON.parse(conversationElement.dataset.cursors || "[]");

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
  const own = entryElements().filter((element) => Number(element.dataset.author) === memberId);
  for (const element of own.reverse()) {
    const name = markOf(Number(element.dataset.seq));
    // Cursors only move forward: every entry above one that is marked as read is read.
    if (element.querySelector("[data-mark='read']")) return;
    setMark(element, name);
  }
}

/** The newest list of members; an answer that was made before the last frame and comes after it takes nothing back. */
function merge(received) {
  return received.map(({ member, delivered, read }) => {
    const known = cursors.find((cursor) => cursor.member === member) ?? { delivered: 0, read: 0 };
    return { member, delivered: Math.max(delivered, known.delivered), read: Math.max(read, known.read) };
  });
}

conversationEvents.on("cursors", (received) => {
  cursors = merge(received);
  show();
});
conversationEvents.on("changed", (element) => {
  if (element === null) show();
  else if (Number(element.dataset.author) === memberId) setMark(element, markOf(Number(element.dataset.seq)));
});
