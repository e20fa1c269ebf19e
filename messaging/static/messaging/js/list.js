// The list of conversations: each line as it is now, the newest on top.
import { on as onSocket, send, state as now } from "../../core/js/tab.js";
import { conversation, parse, settle } from "./talk.js";
import { page } from "./transport.js";

const POLL = 15_000;

const section = document.querySelector("[data-inbox]");
const list = document.querySelector("[data-inbox-list]");
const rows = () => [...list.querySelectorAll(":scope > [data-conversation]")];
const rowOf = (id) => list.querySelector(`:scope > [data-conversation="${id}"]`);
const placeOf = (row) => Number(row.dataset.place);

let wasOpen = false;
let poll;
let isShown = false;

const isVisible = () => section.checkVisibility?.() ?? true;

function show(row) {
  const former = rowOf(row.dataset.conversation);
  if (row.dataset.box !== list.dataset.box) return former?.remove();
  const hadFocus = former?.contains(document.activeElement);
  if (Number(row.dataset.conversation) === conversation) row.querySelector("a").setAttribute("aria-current", "page");
  if (former && placeOf(former) === placeOf(row)) former.replaceWith(row);
  else {
    const older = rows().find((other) => other !== former && placeOf(other) < placeOf(row));
    const pager = list.querySelector("[data-pager]");
    former?.remove();
    // Behind the last line shown there are more, which "Show more" brings.
    if (older || !pager) list.insertBefore(row, older ?? null);
    else if (former) list.insertBefore(row, pager);
  }
  if (row.isConnected) settle(row);
  if (hadFocus) row.querySelector("a").focus({ preventScroll: true });
}

/** Everything anew: after a time without a socket nobody knows which lines have changed. One that nobody sees is renewed
 *  when it is shown. */
async function renew() {
  if (!isShown) return;
  const fetched = await page(`/messages/${list.dataset.box === "requests" ? "?box=requests" : ""}`);
  if (!fetched?.querySelector("[data-inbox-list]")) return;
  const fresh = [...fetched.querySelectorAll("[data-inbox-list] > [data-conversation]")];
  const last = fetched.querySelector("[data-pager]") ? placeOf(fresh.at(-1)) : -1;
  const gone = new Set(rows().filter((row) => placeOf(row) > last));
  for (const row of fresh) {
    gone.delete(rowOf(row.dataset.conversation));
    show(document.importNode(row, true));
  }
  gone.forEach((row) => row.remove());
}

// Lines are drawn for a list that somebody sees: on a phone, the open conversation hides it.
function sayShown() {
  isShown = isVisible();
  send({ type: "messaging.list", shown: isShown });
}

// What changed while nobody saw the list was not drawn for it.
function turnTo() {
  if (isVisible() === isShown) return;
  sayShown();
  if (isShown) renew();
}

function turn(state) {
  clearInterval(poll);
  if (state === "polling") poll = setInterval(() => document.visibilityState === "visible" && renew(), POLL);
  if (state !== "open") return;
  sayShown();
  if (wasOpen) renew();
  wasOpen = true;
}

/** Begins to listen. */
export function start() {
  onSocket("messaging.inbox", ({ conversation: id, html }) => {
    const [row] = parse(html ?? "");
    if (row) show(row);
    // Told before the server knew that the list is shown.
    else if (isShown) renew();
  });
  onSocket("messaging.gone", ({ conversation: id }) => rowOf(id)?.remove());
  onSocket("lagged", renew);
  onSocket("state", turn);
  // What came between the page and its socket shows in the first number that the socket tells.
  const shown = document.querySelector("[data-messages-badge] [data-count]")?.textContent ?? "0";
  const stop = onSocket("messaging.badge", ({ unread }) => {
    stop();
    if (Math.min(unread, 100) !== Math.min(parseInt(shown, 10) || 0, 100) && shown !== "99+") renew();
  });
  isShown = isVisible();
  new ResizeObserver(turnTo).observe(section);
  window.addEventListener("pageshow", ({ persisted }) => persisted && renew());
  turn(now);
}
