// The entries of the open conversation, applied in the order of their numbers, each once. `have` is the newest number up to
// which nothing is missing; what follows after a gap is requested (GET since/) and never shown out of order.
import { send, socketEvents } from "../../core/js/socket.js";
import { dayElement, groupByDay, setDay } from "./days.js";
import { follow, isAtEnd } from "./scroll.js";
import { conversationEvents } from "./conversation-events.js";
import { conversationElement, conversationId, part } from "./conversation-page.js";
import { activate, parseHtml } from "./html.js";
import { get } from "./transport.js";

// Above this the oldest entries are taken out of the page, unless the member is reading them; scrolling up loads them again.
const MAX_ENTRIES = 500;
const KEPT_ENTRIES = 300;
// Repeat the author's name after a gap of this length, in milliseconds (messaging.display.conversation_page).
const NAME_AGAIN_AFTER = 10 * 60_000;
const RETRY = 3000;
const LONGEST_RETRY = 60_000;
// The server knows its newest number better (messaging.watch).
const EVERYTHING = Number.MAX_SAFE_INTEGER;

const list = part("entries");
const changedSince = new Map();

let have = Number(conversationElement.dataset.seq);
// A page found by search ends before the newest entry; what follows is loaded when the member scrolls there.
let isPast = conversationElement.dataset.later === "true";
let catching = null;
let asksAgain = false;
// Whether the viewer is in the conversation, as far as is known here.
let isIn = true;
let failures = 0;
let retry;

export const newest = () => have;
export const isInThePast = () => isPast;
export const entryElements = () => [...list.querySelectorAll(":scope > [data-seq]")];
export const entryElement = (seq) => document.getElementById(`entry-${seq}`);

/** Applies `entries` (docs/realtime.md), in any order and as often as they come. */
export function apply(entries) {
  const coming = entries.filter((entry) => entry.seq > have).sort((one, other) => one.seq - other.seq);
  const fresh = [];
  for (const entry of coming) {
    if (entry.seq !== have + 1) continue;
    have = entry.seq;
    fresh.push(entry);
  }
  if (fresh.length) follow(() => fresh.forEach(show), countNew(fresh));
  for (const entry of entries) if (entry.client_id && entry.seq <= have) conversationEvents.emit("arrived", entry.client_id);
  if (fresh.length) conversationEvents.emit("shown", fresh);
  if (fresh.length && isAtEnd()) shorten();
  if (coming.length > fresh.length && !isPast) catchUp();
}

// How many messages of others are new: the number on the button that leads to them.
const countNew = (entries) => entries.filter((entry) => entry.kind === "message" && !entry.client_id).length;

function show(entry) {
  const [element] = parseHtml(entry.html);
  if (!element) return;
  if (entry.target) replace(entry.target, entry.html);
  else if (!entryElement(entry.seq)) append(element);
  conversationEvents.emit("entry", entry);
}

/** Replaces what is shown of the message `seq` by its present state. */
export function replace(seq, html) {
  changedSince.set(seq, html);
  if (changedSince.size > MAX_ENTRIES) changedSince.delete(changedSince.keys().next().value);
  const shown = entryElement(seq);
  const [fresh] = parseHtml(html);
  if (!shown || !fresh) return;
  setDay(fresh);
  fresh.classList.toggle("entry-follows", shown.classList.contains("entry-follows"));
  const hadFocus = shown.contains(document.activeElement);
  follow(() => {
    keepEditor(shown, fresh);
    shown.replaceWith(fresh);
  });
  activate(fresh);
  const editor = fresh.querySelector("[data-edit-form] textarea");
  if (hadFocus && editor) editor.focus();
  else if (hadFocus) conversationEvents.emit("focus");
  conversationEvents.emit("changed", fresh);
}

// Words that are being changed here outlive a change that came from elsewhere, but not a deletion.
function keepEditor(shown, fresh) {
  const editor = shown.querySelector("[data-edit-form]");
  if (!editor || !fresh.querySelector("a[data-menu-template]")) return;
  fresh.querySelector(".entry-main").prepend(editor);
  fresh.classList.add("is-editing");
}

function append(element) {
  const before = entryElements().at(-1);
  const day = setDay(element);
  if (day && day !== before?.dataset.day) list.append(dayElement(day) ?? "");
  else element.classList.toggle("entry-follows", follows(before, element));
  list.append(element);
  activate(element);
  conversationEvents.emit("changed", element);
}

function follows(before, element) {
  if (!before || before.nextElementSibling || before.dataset.author !== element.dataset.author) return false;
  if (before.matches(".entry-system") || element.matches(".entry-system")) return false;
  return Date.parse(element.dataset.at) - Date.parse(before.dataset.at) < NAME_AGAIN_AFTER;
}

/** Puts older entries on top (elements of the server's fragment). */
export function prepend(elements, hasMore) {
  for (const [at, element] of elements.entries()) {
    const html = changedSince.get(Number(element.dataset.seq));
    const [fresh] = html ? parseHtml(html) : [];
    if (fresh) elements[at] = fresh;
  }
  const known = elements.filter((element) => !element.id || !document.getElementById(element.id));
  list.prepend(...known);
  groupByDay(list);
  known.forEach((element) => activate(element));
  conversationElement.dataset.first = known.find((element) => element.dataset.seq)?.dataset.seq ?? conversationElement.dataset.first;
  conversationElement.dataset.more = String(hasMore);
  conversationEvents.emit("changed", null);
}

/** Takes the oldest entries out of a long page. Called when the newest are in view. */
function shorten() {
  const all = entryElements();
  if (all.length <= MAX_ENTRIES) return;
  const keep = all[all.length - KEPT_ENTRIES];
  let day = null;
  while (list.firstElementChild !== keep) {
    const gone = list.firstElementChild;
    if (!gone.dataset.seq && gone.dataset.day) day = gone;
    gone.remove();
  }
  if (day?.dataset.day === keep.dataset.day) list.prepend(day);
  conversationElement.dataset.first = keep.dataset.seq;
  conversationElement.dataset.more = "true";
  conversationEvents.emit("shortened");
}

/** Asks for everything after `have`; resolves when nothing is missing, or nothing is to be had now. */
export function catchUp() {
  if (isPast && isIn) return Promise.resolve();
  asksAgain = true;
  catching ??= ask().finally(() => (catching = null));
  return catching;
}

async function ask() {
  clearTimeout(retry);
  let more = true;
  while (more || asksAgain) {
    asksAgain = false;
    const before = have;
    const loaded = await loadSince();
    if (!loaded) return;
    more = loaded.more && have > before;
  }
}

/** Loads what follows after a page of the past, one batch at a time. */
export async function goOn() {
  const loaded = await loadSince();
  if (!loaded || loaded.more) return;
  isPast = false;
  conversationElement.dataset.later = "false";
  part("later-link")?.remove();
  watch();
}

async function loadSince() {
  const answer = await get(`${conversationElement.dataset.sinceUrl}${have}/`);
  if (answer.redirected) conversationEvents.emit("signed-out");
  else if (answer.status === 404) conversationEvents.emit("gone");
  else if (!answer.body?.entries) later(answer.retryAfter);
  // Added again: the visible history starts over, and so does the page.
  else if (!isIn) location.reload();
  else {
    failures = 0;
    conversationEvents.emit("answered");
    // After leaving and being added again, the member's history starts later.
    have = Math.max(have, (answer.body.entries[0]?.seq ?? 0) - 1);
    apply(answer.body.entries);
    conversationEvents.emit("cursors", answer.body.cursors);
    return answer.body;
  }
  return null;
}

function later(seconds) {
  const delay = Math.min(LONGEST_RETRY, RETRY * 2 ** failures) * (0.5 + Math.random() / 2);
  failures += 1;
  retry = setTimeout(catchUp, Math.max(delay, seconds * 1000));
}

function watch() {
  send({ type: "messaging.watch", conversation: conversationId, seq: isPast ? EVERYTHING : have });
}

const ours = (listener) => (frame) => frame.conversation === conversationId && listener(frame);

socketEvents.on("messaging.entries", ours((frame) => {
  apply(frame.entries);
  if (frame.more || frame.newest > have) catchUp();
}));
socketEvents.on("messaging.cursors", ours((frame) => conversationEvents.emit("cursors", frame.cursors)));
socketEvents.on("messaging.gone", ours(() => conversationEvents.emit("gone")));
// A heartbeat that does not name the open conversation: the server never took up the watch, so once more. Where the viewer
// has been taken out meanwhile, the answer is "not_found".
socketEvents.on("heartbeat", ({ messaging }) => {
  if (!messaging || !isIn) return;
  if (messaging.conversation !== conversationId) watch();
  else if (messaging.newest > have) catchUp();
});
// "gone" may have been sent while there was no socket: the response over HTTP counts.
socketEvents.on("error", ({ reason }) => reason === "not_found" && isIn && (isPast ? goOn() : catchUp()));
socketEvents.on("messaging.inbox", ours(() => !isIn && catchUp()));
// A page in the past lacks nothing but how far the others have read, which the answer to a watch says.
socketEvents.on("lagged", () => (isPast && isIn ? watch() : catchUp()));
socketEvents.on("state", ({ state }) => state === "open" && (isIn ? watch() : catchUp()));
window.addEventListener("online", () => catchUp());
window.addEventListener("pageshow", ({ persisted }) => persisted && catchUp());
conversationEvents.on("gone", () => {
  isIn = false;
  clearTimeout(retry);
});
conversationEvents.on("end", shorten);

/** Groups the entries by day and asks for those that arrived while the page was loading. */
export function start(state) {
  groupByDay(list);
  if (state === "open") watch();
}
