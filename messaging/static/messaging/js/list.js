// The list of conversations: each row as it is now, the newest on top.
import { connectionState, send, socketEvents } from "../../core/js/socket.js";
import { conversationId } from "./conversation-page.js";
import { activate, parseHtml } from "./html.js";
import { page } from "./transport.js";

const POLL = 15_000;

const section = document.querySelector("[data-inbox]");
const list = document.querySelector("[data-inbox-list]");
const rows = () => [...list.querySelectorAll(":scope > [data-conversation]")];
const rowOf = (id) => list.querySelector(`:scope > [data-conversation="${id}"]`);
const sortKeyOf = (row) => Number(row.dataset.place);

let wasOpen = false;
let poll;
let isShown = false;

const isVisible = () => section.checkVisibility?.() ?? true;

function show(row) {
  const former = rowOf(row.dataset.conversation);
  if (row.dataset.box !== list.dataset.box) return former?.remove();
  const hadFocus = former?.contains(document.activeElement);
  if (Number(row.dataset.conversation) === conversationId) row.querySelector("a").setAttribute("aria-current", "page");
  if (former && sortKeyOf(former) === sortKeyOf(row)) former.replaceWith(row);
  else {
    const older = rows().find((other) => other !== former && sortKeyOf(other) < sortKeyOf(row));
    const pager = list.querySelector("[data-pager]");
    former?.remove();
    // Below the last row shown there are more, which "Show more" loads.
    if (older || !pager) list.insertBefore(row, older ?? null);
    else if (former) list.insertBefore(row, pager);
  }
  if (row.isConnected) activate(row);
  if (hadFocus) row.querySelector("a").focus({ preventScroll: true });
}

/** Loads all rows again: after a time without a socket any of them may have changed. A list that is not visible is loaded
 *  when it becomes visible. */
async function renew() {
  if (!isShown) return;
  const fetched = await page(`/messages/${list.dataset.box === "requests" ? "?box=requests" : ""}`);
  if (!fetched?.querySelector("[data-inbox-list]")) return;
  const fresh = [...fetched.querySelectorAll("[data-inbox-list] > [data-conversation]")];
  const last = fetched.querySelector("[data-pager]") ? sortKeyOf(fresh.at(-1)) : -1;
  const gone = new Set(rows().filter((row) => sortKeyOf(row) > last));
  for (const row of fresh) {
    gone.delete(rowOf(row.dataset.conversation));
    show(document.importNode(row, true));
  }
  gone.forEach((row) => row.remove());
}

// The server renders rows only for a list that is visible: on a phone, the open conversation hides it.
function sayShown() {
  isShown = isVisible();
  send({ type: "messaging.list", shown: isShown });
}

// Changes while the list was not visible were not rendered for it.
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
  socketEvents.on("messaging.inbox", ({ conversation: id, html }) => {
    const [row] = parseHtml(html ?? "");
    if (row) show(row);
    // Sent before the server knew that the list is visible.
    else if (isShown) renew();
  });
  socketEvents.on("messaging.gone", ({ conversation: id }) => rowOf(id)?.remove());
  socketEvents.on("lagged", renew);
  socketEvents.on("state", ({ state }) => turn(state));
  // What changed between the page and its socket shows in the first number that the socket sends.
  const shown = document.querySelector("[data-messages-badge] [data-count]")?.textContent ?? "0";
  const stop = socketEvents.on("messaging.badge", ({ unread }) => {
    stop();
    if (Math.min(unread, 100) !== Math.min(parseInt(shown, 10) || 0, 100) && shown !== "99+") renew();
  });
  isShown = isVisible();
  new ResizeObserver(turnTo).observe(section);
  window.addEventListener("pageshow", ({ persisted }) => persisted && renew());
  turn(connectionState());
}
