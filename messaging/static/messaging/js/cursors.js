// How far this member has got the conversation, and read it: told at most every 300 ms, over the socket or by POST.
import { on as onSocket, send, state } from "../../core/js/tab.js";
import { lines, newest } from "./log.js";
import { isAtEnd } from "./scroll.js";
import { conversation, inView, on, part, talk } from "./talk.js";
import { post } from "./transport.js";

const MOMENT = 300;
const RETRY = 10_000;
// A socket that is on its way is waited for.
const PATIENCE = 1000;

const box = part("log");
const reached = { delivered: 0, read: Number(talk.dataset.read) };
const told = { delivered: reached.read, read: reached.read };

let timer;

/** Whether this member has read up to `line`; what is above the first line is read. */
export const isRead = (line) => Number(line?.dataset.seq ?? 0) <= reached.read;

// The newest number that is read: all, at the end; else that of the last line that is wholly in view.
function readUpTo() {
  if (isAtEnd()) return newest();
  const bottom = box.getBoundingClientRect().bottom + 1;
  const seen = lines().findLast((line) => line.getBoundingClientRect().bottom <= bottom);
  return Number(seen?.dataset.seq ?? 0);
}

function look() {
  reached.delivered = Math.max(reached.delivered, newest());
  if (inView() && box.checkVisibility?.() !== false) reached.read = Math.max(reached.read, readUpTo());
  if (reached.delivered > told.delivered || reached.read > told.read) timer ??= setTimeout(say, MOMENT);
}

async function say() {
  timer = undefined;
  if (state === "connecting" || state === "offline") {
    timer = setTimeout(say, PATIENCE);
    return;
  }
  const now = { ...reached };
  if (overSocket(now) || (await byPost(now))) Object.assign(told, now);
  else timer ??= setTimeout(look, RETRY);
}

// Reading includes having got.
function overSocket({ delivered, read }) {
  const frames = [];
  if (delivered > Math.max(told.delivered, read)) frames.push({ type: "messaging.delivered", conversation, seq: delivered });
  if (read > told.read) frames.push({ type: "messaging.read", conversation, seq: read });
  return frames.every((frame) => send(frame));
}

async function byPost({ delivered, read }) {
  const answer = await post(talk.dataset.cursorsUrl, [["delivered", delivered], ["read", read]]);
  return answer.status >= 200 && answer.status < 300 && !answer.redirected;
}

// What was told to a socket that broke may not have arrived.
function tellAgain(now) {
  if (now !== "open") return;
  told.delivered = told.read = Number(talk.dataset.read);
  look();
}

/** Begins to look. */
export function start() {
  for (const what of ["shown", "scrolled", "end"]) on(what, look);
  window.addEventListener("focus", look);
  document.addEventListener("visibilitychange", look);
  onSocket("state", tellAgain);
  look();
}
