// The number at the bell of every page, and the rows of the open page of notifications.
import { send, socketEvents, state } from "../../core/js/socket.js";

const MOST = 99;
// While there is no socket, the number is asked for so often.
const POLL = 30_000;
// An answer that takes longer is not waited for (milliseconds).
const PATIENCE = 15_000;

let timer;

function showCount(unread) {
  for (const badge of document.querySelectorAll("[data-badge='notifications']")) {
    badge.hidden = !unread;
    badge.querySelector("[data-count]").textContent = unread > MOST ? `${MOST}+` : String(unread);
  }
  for (const button of document.querySelectorAll("[data-read-all]")) button.hidden = !unread;
  if (!unread) for (const row of document.querySelectorAll(".news-unread")) markRead(row);
}

function markRead(row) {
  row.classList.remove("news-unread");
  row.querySelector(".news-read")?.remove();
  row.querySelector(".news-words > .sr-only")?.remove();
}

const list = () => document.querySelector("[data-notifications]");
const placeOf = (row) => Number(row.dataset.place);

function newest(rows) {
  return Math.max(Number(rows.dataset.newest), ...[...rows.querySelectorAll(".news")].map(placeOf));
}

/** Puts a row where it belongs: in place of its former self, or before the first older one. */
function showRow({ id, html }) {
  const rows = list();
  if (!rows) return;
  const former = document.getElementById(`notification-${id}`);
  const box = document.createElement("template");
  box.innerHTML = html;
  const row = box.content.firstElementChild;
  if (!row) former?.remove();
  else if (former && former.dataset.place === row.dataset.place) former.replaceWith(row);
  else if (former || row.classList.contains("news-unread")) {
    former?.remove();
    const older = [...rows.querySelectorAll(".news")].find((other) => placeOf(other) < placeOf(row));
    const more = rows.querySelector("[data-pager]");
    // Behind the last one shown there is more, which "Show more" brings.
    if (older || !more) rows.insertBefore(row, older ?? null);
    if (!former && row.isConnected) announce(row);
  } else return;
  if (row?.isConnected) window.htmx?.process(row);
  document.querySelector("[data-none]").hidden = rows.querySelector(".news") !== null;
  for (const button of document.querySelectorAll("[data-read-all]")) button.value = newest(rows);
}

function announce(row) {
  document.querySelector("[data-news-status]").textContent = row.querySelector(".news-words").textContent.trim();
}

/** Tells the server that this page shows notifications, and up to which it was loaded; it answers with what is newer. Of
 *  what came since anything may be missing here, not only what came last. */
function watch() {
  const rows = list();
  if (rows) send({ type: "notifications.watch", show: rows.dataset.notifications, newest: Number(rows.dataset.newest) });
}

async function ask() {
  const options = { headers: { Accept: "application/json" }, signal: AbortSignal.timeout?.(PATIENCE) };
  try {
    const answer = await fetch("/notifications/unread/", options);
    if (answer.ok && !answer.redirected) showCount((await answer.json()).unread);
  } catch { /* asked again after POLL */ }
}

socketEvents.on("notifications.badge", (frame) => showCount(frame.unread));
socketEvents.on("heartbeat", (frame) => frame.notifications && showCount(frame.notifications.unread));
socketEvents.on("notifications.row", showRow);
socketEvents.on("lagged", watch);
socketEvents.on("state", ({ state: now }) => {
  clearInterval(timer);
  if (now === "open") watch();
  if (now === "polling") timer = setInterval(ask, POLL);
});
if (state === "open") watch();

// Quiet hours begin with the clock of this browser.
const zone = document.querySelector("[data-zone-form] [name='zone']");
if (zone && !zone.value) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
