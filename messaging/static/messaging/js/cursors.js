// How far this member has received and read the conversation: reported at most every 300 ms, over the socket or by POST.
import { connectionState, send, socketEvents } from "../../core/js/socket.js";
import { entryElements, newest } from "./log.js";
import { isAtEnd } from "./scroll.js";
import { conversationEvents } from "./conversation-events.js";
import { conversationElement, conversationId, isInView, part } from "./conversation-page.js";
import { post } from "./transport.js";

const MOMENT = 300;
const RETRY = 10_000;
// A socket that is on its way is waited for.
const PATIENCE = 1000;

const box = part("log");
const reached = { delivered: 0, read: Number(conversationElement.dataset.read) };
const reported = { delivered: reached.read, read: reached.read };

let timer;

/** Whether this member has read up to this entry; without an entry, true. */
export const isRead = (element) => Number(element?.dataset.seq ?? 0) <= reached.read;

// The newest number that is read: all, at the end; else that of the last entry that is wholly in view.
function readUpTo() {
  if (isAtEnd()) return newest();
  const bottom = box.getBoundingClientRect().bottom + 1;
  const seen = entryElements().findLast((element) => element.getBoundingClientRect().bottom <= bottom);
  return Number(seen?.dataset.seq ?? 0);
}

function look() {
  reached.delivered = Math.max(reached.delivered, newest());
  if (isInView() && box.checkVisibility?.() !== false) reached.read = Math.max(reached.read, readUpTo());
  if (reached.delivered > reported.delivered || reached.read > reported.read) timer ??= setTimeout(report, MOMENT);
}

async function report() {
  timer = undefined;
  if (["connecting", "offline"].includes(connectionState())) {
    timer = setTimeout(report, PATIENCE);
    return;
  }
  const now = { ...reached };
  if (overSocket(now) || (await byPost(now))) Object.assign(reported, now);
  else timer ??= setTimeout(look, RETRY);
}

// Reading includes having got.
function overSocket({ delivered, read }) {
  const frames = [];
  if (delivered > Math.max(reported.delivered, read)) frames.push({ type: "messaging.delivered", conversation: conversationId, seq: delivered });
  if (read > reported.read) frames.push({ type: "messaging.read", conversation: conversationId, seq: read });
  return frames.every((frame) => send(frame));
}

async function byPost({ delivered, read }) {
  const answer = await post(conversationElement.dataset.cursorsUrl, [["delivered", delivered], ["read", read]]);
  return answer.status >= 200 && answer.status < 300 && !answer.redirected;
}

// What was sent over a socket that broke may not have arrived.
function reportAgain({ state }) {
  if (state !== "open") return;
  reported.delivered = reported.read = Number(conversationElement.dataset.read);
  look();
}

/** Begins to look. */
export function start() {
  for (const what of ["shown", "scrolled", "end"]) conversationEvents.on(what, look);
  window.addEventListener("focus", look);
  document.addEventListener("visibilitychange", look);
  socketEvents.on("state", reportAgain);
  look();
}
