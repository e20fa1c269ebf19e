// Shows who is writing now.
import { send, socketEvents } from "../../core/js/socket.js";
import { conversationEvents } from "./conversation-events.js";
import { conversationElement, conversationId, part } from "./conversation-page.js";
import { words } from "./translations.js";

const REPORT_EVERY = 3000;
const LASTS = 5000;

const status = part("typing");
// By member: the name, and what ends it.
const writing = new Map();

let reportedAt = 0;

/** Reports that the member is writing, at most every few seconds. */
export function reportTyping() {
  if (Date.now() - reportedAt < REPORT_EVERY) return;
  if (send({ type: "messaging.typing", conversation: conversationId })) reportedAt = Date.now();
}

function show() {
  const [name, other] = [...writing.values()].map((writer) => writer.name);
  const key = ["", "typing", "typingTwo"][writing.size] ?? "typingMany";
  const text = key && words(key, { name, other });
  const dots = status.querySelector(".typing-dots") ?? make();
  status.replaceChildren(...(text ? [dots, text] : []));
  conversationElement.toggleAttribute("data-somebody-types", writing.size > 0);
}

function make() {
  const dots = document.createElement("span");
  dots.className = "typing-dots";
  dots.setAttribute("aria-hidden", "true");
  dots.append(...[1, 2, 3].map(() => document.createElement("span")));
  return dots;
}

function stop(member) {
  clearTimeout(writing.get(member)?.end);
  if (writing.delete(member)) show();
}

socketEvents.on("messaging.typing", (frame) => {
  if (frame.conversation !== conversationId) return;
  clearTimeout(writing.get(frame.member)?.end);
  writing.set(frame.member, { name: frame.name, end: setTimeout(stop, LASTS, frame.member) });
  show();
});
conversationEvents.on("entry", ({ author }) => stop(author));
