// The bell's unread count on every page, and the rows of an open notifications page.
import { connectionState, send, socketEvents } from "../../core/js/socket.js";
import { rememberFocus } from "../../theme/js/controls.js";

const MOST = 99;
// Without a socket, the count is polled at this interval (milliseconds).
const POLL_INTERVAL = 30_000;
// Timeout of a poll (milliseconds).
const TIMEOUT = 15_000;

let timer;

function showCount(unread) {
  for (const badge of document.querySelectorAll("[data-badge='notifications']")) {
    badge.hidden = !unread;
    badge.querySelector("[data-count]").textContent = unread > MOST ? `${MOST}+` : String(unread);
  }
  for (const button of document.querySelectorAll("[data-read-all]")) button.hidden = !unread;
  if (!unread) for (const row of document.querySelectorAll(".notification-unread")) markRead(row);
}

function markRead(row) {
  const moveFocus = rememberFocus(row);
  row.classList.remove("notification-unread");
  row.querySelector(".notification-read")?.remove();
  row.querySelector(".notification-sentence > .sr-only")?.remove();
  moveFocus(row);
}

const list = () => document.querySelector("[data-notifications]");
const sortKeyOf = (row) => Number(row.dataset.sortKey);

function newest(rows) {
  return Math.max(Number(rows.dataset.newest), ...[...rows.querySelectorAll(".notification")].map(sortKeyOf));
}

/** Replaces the row's former version, or inserts the row before the first older one. */
function showRow({ id, html }) {
  const rows = list();
  if (!rows) return;
  const former = document.getElementById(`notification-${id}`);
  const template = document.createElement("template");
  template.innerHTML = html;
  const row = template.content.firstElementChild;
  const moveFocus = rememberFocus(former);
  if (!row) former?.remove();
  else if (former && former.dataset.sortKey === row.dataset.sortKey) former.replaceWith(row);
  else if (former || row.classList.contains("notification-unread")) {
    former?.remove();
    const older = [...rows.querySelectorAll(".notification")].find((other) => sortKeyOf(other) < sortKeyOf(row));
    const more = rows.querySelector("[data-pager]");
    // Rows older than the last one shown are loaded by "Show more".
    if (older || !more) rows.insertBefore(row, older ?? null);
    if (!former && row.isConnected) announce(row);
  } else return;
  if (row?.isConnected) {
    window.htmx?.process(row);
    moveFocus(row);
  }
  document.querySelector("[data-empty]").hidden = rows.querySelector(".notification") !== null;
  for (const button of document.querySelectorAll("[data-read-all]")) button.value = newest(rows);
}

function announce(row) {
  document.querySelector("[data-notifications-status]").textContent = row.querySelector(".notification-sentence").textContent.trim();
}

/** Subscribes this page at the server, which sends the rows newer than those the page was loaded with: any of them may be
 *  missing, not only the latest. */
function subscribe() {
  const rows = list();
  if (rows) send({ type: "notifications.watch", show: rows.dataset.notifications, newest: Number(rows.dataset.newest) });
}

async function poll() {
  const options = { headers: { Accept: "application/json" }, signal: AbortSignal.timeout?.(TIMEOUT) };
  try {
    const response = await fetch("/notifications/unread/", options);
    if (response.ok && !response.redirected) showCount((await response.json()).unread);
  } catch { /* tried again after POLL_INTERVAL */ }
}

socketEvents.on("notifications.badge", (frame) => showCount(frame.unread));
socketEvents.on("heartbeat", (frame) => frame.notifications && showCount(frame.notifications.unread));
socketEvents.on("notifications.row", showRow);
socketEvents.on("lagged", subscribe);
socketEvents.on("state", ({ state }) => {
  clearInterval(timer);
  if (state === "open") subscribe();
  if (state === "polling") timer = setInterval(poll, POLL_INTERVAL);
});
if (connectionState() === "open") subscribe();

// The default time zone of quiet hours is the browser's.
const zone = document.querySelector("[data-zone-form] [name='zone']");
if (zone && !zone.value) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
