// The one WebSocket of this tab (docs/realtime.md). What is shown is for the apps: they listen to `socketEvents`, and ask
// over HTTP for what they may have missed whenever the state becomes "open".
import { TypedEvents } from "./typed-events.js";

const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;
// Failures in a row after which apps poll, until there is a socket again.
const PATIENCE = 3;
// How much later than its heartbeat a server may be, in seconds.
const GRACE = 10;
const SIGNED_OUT = 4401;
// Closed because of a limit (too many tabs or frames, one too large): to come back at once would lead there again.
const LIMITS = [1008, 1009];
const REST = 30_000;
const STATES = { connecting: "stateConnecting", open: "stateOpen", offline: "stateOffline", polling: "statePolling", "signed-out": "stateSignedOut" };

const words = document.getElementById("words")?.dataset ?? {};

let socket = null;
let failures = 0;
let sessionEnded = false;
let silence = 25 + GRACE;
let heardAt = 0;
let retry;
let isResting = false;
let watch;

let state = "connecting";

/** "connecting", "open", "offline", "polling" (no socket for a while: ask over HTTP now and then) or "signed-out". */
export function connectionState() {
  return state;
}

/**
 * Each frame under its type (docs/realtime.md), and "state": the state that was entered, and the words for it.
 *
 * @type {TypedEvents<Record<string, object> & { state: { state: string, text: string } }>}
 */
export const socketEvents = new TypedEvents();

/** Sends `frame`; false when there is no socket to send it on. */
export function send(frame) {
  if (state !== "open" || socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(frame));
  return true;
}

function enter(next) {
  if (state === next) return;
  state = next;
  document.documentElement.dataset.connection = state;
  const text = words[STATES[state]] ?? "";
  if (state === "signed-out") document.dispatchEvent(new CustomEvent("toast", { detail: { text, level: "warning" } }));
  socketEvents.emit("state", { state, text });
}

function connect() {
  clearTimeout(retry);
  isResting = false;
  if (socket) return;
  const address = new URL("/ws/", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const opened = new WebSocket(address);
  socket = opened;
  listen();
  opened.addEventListener("message", ({ data }) => opened === socket && hear(JSON.parse(data)));
  opened.addEventListener("close", ({ code }) => opened === socket && lost(code));
}

// From now on the server must not be silent for longer than it promised.
function listen() {
  heardAt = Date.now();
  clearTimeout(watch);
  watch = setTimeout(drop, silence * 1000);
}

function hear(frame) {
  listen();
  if (frame.type === "hello") {
    silence = frame.heartbeat + GRACE;
    failures = 0;
    sessionEnded = false;
    enter("open");
    sayVisible();
  } else if (frame.type === "ping") {
    send({ type: "pong", n: frame.n });
    return;
  }
  socketEvents.emit(frame.type, frame);
}

function sayVisible() {
  send({ type: "visible", visible: document.visibilityState === "visible" });
}

// Leave a socket without waiting for its farewell, which may never come.
function abandon() {
  const left = socket;
  socket = null;
  clearTimeout(watch);
  if (!left) return;
  // One that is still on its way is closed when it arrives: closing it now is an error in browsers' eyes.
  if (left.readyState === WebSocket.CONNECTING) left.onopen = () => left.close();
  else left.close();
}

function drop() {
  abandon();
  lost(0);
}

function lost(code) {
  socket = null;
  clearTimeout(watch);
  // A new password in another tab ends the session too: give the browser time for its new cookie.
  failures += code === SIGNED_OUT ? 2 : 1;
  if (code === SIGNED_OUT) sessionEnded = true;
  else if (sessionEnded || failures === PATIENCE) askWhetherSignedOut();
  isResting = LIMITS.includes(code);
  if (!navigator.onLine) enter("offline");
  else if (isResting || failures >= PATIENCE) enter("polling");
  else enter("connecting");
  clearTimeout(retry);
  retry = setTimeout(connect, isResting ? REST * (1 + Math.random() / 2) : backOff());
}

function backOff() {
  return Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
}

// The page to sign in leads elsewhere whoever has signed in.
async function askWhetherSignedOut() {
  sessionEnded = false;
  try {
    const answer = await fetch(words.signIn, { method: "HEAD", redirect: "manual", cache: "no-store" });
    if (!answer.ok || socket?.readyState === WebSocket.OPEN) return;
  } catch {
    return;
  }
  abandon();
  clearTimeout(retry);
  isResting = false;
  enter("signed-out");
}

function again() {
  if (socket && Date.now() - heardAt > silence * 1000) abandon();
  if (socket?.readyState !== WebSocket.OPEN) failures = Math.min(failures, PATIENCE);
  connect();
}

window.addEventListener("online", () => {
  abandon();
  again();
});
window.addEventListener("offline", () => enter("offline"));
document.addEventListener("visibilitychange", () => {
  sayVisible();
  if (document.visibilityState === "visible" && !isResting) again();
});
// A page with an open socket is not kept for "back".
window.addEventListener("pagehide", () => {
  clearTimeout(retry);
  abandon();
});
window.addEventListener("pageshow", ({ persisted }) => persisted && again());

document.documentElement.dataset.connection = state;
connect();
