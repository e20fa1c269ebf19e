// Whether the page is live, in words; and asking now and then where it is not.
import { on as onSocket, state as now } from "../../core/js/tab.js";
import { catchUp } from "./log.js";
import { on, part } from "./talk.js";
import { words } from "./words.js";

const IN_VIEW = 4000;
const OUT_OF_VIEW = 30_000;
// Most connections are there sooner than one could read that they are coming.
const PATIENCE = 1500;

const place = part("connection");

let state = "connecting";
let poll;
let saying;

function say(text) {
  clearTimeout(saying);
  const set = () => (place.textContent = text);
  if (state === "connecting") saying = setTimeout(set, PATIENCE);
  else set();
  place.dataset.state = state;
}

function turn(next, text) {
  if (state === "gone") return;
  state = next;
  say(state === "open" ? "" : text);
  schedule();
}

// After a socket has come and gone a few times the page asks over HTTP, until there is one again.
function schedule() {
  clearTimeout(poll);
  if (state !== "polling") return;
  poll = setTimeout(ask, document.visibilityState === "visible" ? IN_VIEW : OUT_OF_VIEW);
}

async function ask() {
  await catchUp();
  schedule();
}

/** Begins: the words of the page tell of states that came before this module. */
export function start() {
  const said = document.getElementById("words")?.dataset ?? {};
  onSocket("state", turn);
  turn(now, { offline: said.stateOffline, polling: said.statePolling, "signed-out": said.stateSignedOut }[now] ?? said.stateConnecting);
  on("signed-out", () => turn("signed-out", said.stateSignedOut));
  on("gone", () => {
    turn("gone", words("gone"));
    const form = part("send-form");
    if (form) form.hidden = true;
  });
  document.addEventListener("visibilitychange", () => {
    clearTimeout(poll);
    if (state === "polling") ask();
  });
}
