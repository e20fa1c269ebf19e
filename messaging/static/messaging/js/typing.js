// Who is writing at this moment.
import { on as onSocket, send } from "../../core/js/tab.js";
import { conversation, on, part, talk } from "./talk.js";
import { words } from "./words.js";

const TELL_EVERY = 3000;
const LASTS = 5000;

const place = part("typing");
// By member: the name, and what ends it.
const writing = new Map();

let toldAt = 0;

/** The viewer is writing: the others are told now and then. */
export function telling() {
  if (Date.now() - toldAt < TELL_EVERY) return;
  if (send({ type: "messaging.typing", conversation })) toldAt = Date.now();
}

function show() {
  const [name, other] = [...writing.values()].map((who) => who.name);
  const key = ["", "typing", "typingTwo"][writing.size] ?? "typingMany";
  const text = key && words(key, { name, other });
  const dots = place.querySelector(".typing-dots") ?? make();
  place.replaceChildren(...(text ? [dots, text] : []));
  talk.toggleAttribute("data-somebody-types", writing.size > 0);
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

onSocket("messaging.typing", (frame) => {
  if (frame.conversation !== conversation) return;
  clearTimeout(writing.get(frame.member)?.end);
  writing.set(frame.member, { name: frame.name, end: setTimeout(stop, LASTS, frame.member) });
  show();
});
on("entry", ({ author }) => stop(author));
