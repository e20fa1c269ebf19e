// The divider above the messages that arrived while the member was not looking.
import { isRead } from "./cursors.js";
import { entryElement, entryElements } from "./log.js";
import { follow } from "./scroll.js";
import { conversationEvents } from "./conversation-events.js";
import { isInView, part } from "./conversation-page.js";
import { cloneTemplate } from "./translations.js";

const list = part("entries");
const shown = () => list.querySelector("[data-divider]");

// A divider stays while something above the new entry is unread.
const divides = (seq) => shown() && !isRead(entryElements().findLast((each) => Number(each.dataset.seq) < seq));

conversationEvents.on("shown", (entries) => {
  const first = entries.find(({ kind, client_id }) => kind === "message" && !client_id);
  const at = first && entryElement(first.seq);
  if (isInView() || !at || divides(first.seq)) return;
  const divider = cloneTemplate("divider-line");
  if (!divider) return;
  follow(() => {
    shown()?.remove();
    at.classList.remove("entry-follows");
    at.before(divider);
  });
});
conversationEvents.on("sent", () => shown()?.remove());
