// Whether the page is live, in words; and asking now and then where it is not.
import { connectionState, socketEvents } from "../../core/js/socket.js";
import { catchUp } from "./log.js";
import { conversationEvents } from "./conversation-events.js";
import { part } from "./conversation-page.js";
import { words } from "./translations.js";

const IN_VIEW = 4000;
const OUT_OF_VIEW = 30_000;
// Most connections open before anybody could read that they are being opened.
const PATIENCE = 1500;

const status = part("connection");

let state = "connecting";
let poll;
let saying;

function say(text) {
  clearTimeout(saying);
  const set = () => (status.textContent = text);
  if (state === "connecting") saying = setTimeout(set, PATIENCE);
  else set();
  status.dataset.state = state;
}

function turn(next, text) {
  if (state === "gone") return;
  state = next;
  say(state === "open" ? "" : text);
  schedule();
}

// After the socket has failed a few times the page polls over HTTP until it is open again.
function schedule() {
  clearTimeout(poll);
  if (state !== "polling") return;
  poll = setTimeout(ask, document.visibilityState === "visible" ? IN_VIEW : OUT_OF_VIEW);
}

async function ask() {
  await catchUp();
  schedule();
}

/** Shows the state that was entered before this module was loaded, and those that follow. */
export function start() {
  const said = document.getElementById("words")?.dataset ?? {};
  socketEvents.on("state", ({ state, text }) => turn(state, text));
  const now = connectionState();
  turn(now, { offline: said.stateOffline, polling: said.statePolling, "signed-out": said.stateSignedOut }[now] ?? said.stateConnecting);
  conversationEvents.on("signed-out", () => turn("signed-out", said.stateSignedOut));
  conversationEvents.on("gone", () => {
    turn("gone", words("gone"));
    const form = part("send-form");
    if (form) form.hidden = true;
  });
  document.addEventListener("visibilitychange", () => {
    clearTimeout(poll);
    if (state === "polling") ask();
  });
}
