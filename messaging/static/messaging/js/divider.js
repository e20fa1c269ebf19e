// The line above what came while nobody was looking.
import { line } from "./log.js";
import { inView, on, part } from "./talk.js";
import { shape } from "./words.js";

const list = part("entries");
const shown = () => list.querySelector("[data-divider]");

on("shown", (entries) => {
  const first = entries.find(({ kind, client_id }) => kind === "message" && !client_id);
  const at = first && line(first.seq);
  if (inView() || shown() || !at) return;
  const divider = shape("divider-line");
  if (!divider) return;
  at.classList.remove("entry-follows");
  at.before(divider);
});
on("sent", () => shown()?.remove());
