// A stranger's first words: what the page says of waiting is over when the other answers, or the request is accepted.
import { me, on, part } from "./talk.js";

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

on("entry", ({ kind, author }) => {
  if (kind !== "message") return;
  if (author === me) accepted();
  else answered();
});
// How far one has read who has not accepted is told to nobody.
on("cursors", (told) => told.length && answered());
