// A stranger's first words: what the page says of waiting is over when the other answers, or the request is accepted.
import { conversationEvents } from "./conversation-events.js";
import { memberId, part } from "./conversation-page.js";

// Answering is accepting.
function accepted() {
  part("request")?.remove();
}

// Who waited for an answer may write as much as anybody.
function answered() {
  const waiting = part("unanswered");
  if (!waiting) return;
  waiting.remove();
  part("send-form").hidden = false;
}

conversationEvents.on("entry", ({ kind, author }) => {
  if (kind !== "message") return;
  if (author === memberId) accepted();
  else answered();
});
// The server sends no cursors of a member before the request is accepted.
conversationEvents.on("cursors", (cursors) => cursors.length && answered());
