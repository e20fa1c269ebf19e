// The line above what came while nobody was looking.
import { isRead } from "./cursors.js";
import { line, lines } from "./log.js";
import { follow } from "./scroll.js";
import { inView, on, part } from "./talk.js";
import { shape } from "./words.js";

const list = part("entries");
const shown = () => list.querySelector("[data-divider]");

// One that stands goes on only when everything above the new line has been read: else it still divides.
const divides = (seq) => shown() && !isRead(lines().findLast((each) => Number(each.dataset.seq) < seq));

on("shown", (entries) => {
  const first = entries.find(({ kind, client_id }) => kind === "message" && !client_id);
  const at = first && line(first.seq);
  if (inView() || !at || divides(first.seq)) return;
  const divider = shape("divider-line");
  if (!divider) return;
  follow(() => {
    shown()?.remove();
    at.classList.remove("entry-follows");
    at.before(divider);
  });
});
on("sent", () => shown()?.remove());
