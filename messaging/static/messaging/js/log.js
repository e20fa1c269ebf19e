// The lines of the open conversation, applied in the order of their numbers, each once. `have` is the newest number up to
// which nothing is missing; what is behind a gap is asked for (GET since/) and never shown out of order.
import { on as onSocket, send } from "../../core/js/tab.js";
import { dayLine, regroup, setDay } from "./days.js";
import { follow, isAtEnd } from "./scroll.js";
import { conversation, on, parse, part, settle, talk, tell } from "./talk.js";
import { get } from "./transport.js";

// Above this the oldest lines go out of the page, where nobody is reading them; they come back on scrolling up.
const MOST_LINES = 500;
const KEPT_LINES = 300;
// One who goes on writing is named anew after so many milliseconds (messaging.pages.BREATH).
const BREATH = 10 * 60_000;
const RETRY = 3000;
const LONGEST_RETRY = 60_000;
// The server knows its newest number better (messaging.watch).
const EVERYTHING = Number.MAX_SAFE_INTEGER;

const list = part("entries");
const changedSince = new Map();

let have = Number(talk.dataset.seq);
// A page found by search ends before the newest line; what follows is fetched when one gets there.
let isPast = talk.dataset.later === "true";
let catching = null;
let asksAgain = false;
// Whether the viewer is in the conversation, as far as is known here.
let isIn = true;
let failures = 0;
let retry;

export const newest = () => have;
export const inThePast = () => isPast;
export const lines = () => [...list.querySelectorAll(":scope > [data-seq]")];
export const line = (seq) => document.getElementById(`entry-${seq}`);

/** Applies `entries` (docs/realtime.md), in any order and as often as they come. */
export function apply(entries) {
  const coming = entries.filter((entry) => entry.seq > have).sort((one, other) => one.seq - other.seq);
  const fresh = [];
  for (const entry of coming) {
    if (entry.seq !== have + 1) continue;
    have = entry.seq;
    fresh.push(entry);
  }
  if (fresh.length) follow(() => fresh.forEach(show), said(fresh));
  for (const entry of entries) if (entry.client_id && entry.seq <= have) tell("arrived", entry.client_id);
  if (fresh.length) tell("shown", fresh);
  if (fresh.length && isAtEnd()) shorten();
  if (coming.length > fresh.length && !isPast) catchUp();
}

// How many lines of others come: what the button that leads to them says.
const said = (entries) => entries.filter((entry) => entry.kind === "message" && !entry.client_id).length;

function show(entry) {
  const [element] = parse(entry.html);
  if (!element) return;
  if (entry.target) replace(entry.target, entry.html);
  else if (!line(entry.seq)) append(element);
  tell("entry", entry);
}

/** Puts the present state of the message `seq` in place of what is shown of it. */
export function replace(seq, html) {
  changedSince.set(seq, html);
  if (changedSince.size > MOST_LINES) changedSince.delete(changedSince.keys().next().value);
  const shown = line(seq);
  const [fresh] = parse(html);
  if (!shown || !fresh) return;
  setDay(fresh);
  fresh.classList.toggle("entry-follows", shown.classList.contains("entry-follows"));
  const hadFocus = shown.contains(document.activeElement);
  follow(() => {
    keepEditor(shown, fresh);
    shown.replaceWith(fresh);
  });
  settle(fresh);
  const editor = fresh.querySelector("[data-edit-form] textarea");
  if (hadFocus && editor) editor.focus();
  else if (hadFocus) tell("focus");
  tell("changed", fresh);
}

// Words that are being changed here outlive a change that came from elsewhere, but not a deletion.
function keepEditor(shown, fresh) {
  const editor = shown.querySelector("[data-edit-form]");
  if (!editor || !fresh.querySelector("a[data-edit]")) return;
  fresh.querySelector(".entry-main").prepend(editor);
  fresh.classList.add("is-editing");
}

function append(element) {
  const before = lines().at(-1);
  const day = setDay(element);
  if (day && day !== before?.dataset.day) list.append(dayLine(day) ?? "");
  else element.classList.toggle("entry-follows", follows(before, element));
  list.append(element);
  settle(element);
  tell("changed", element);
}

function follows(before, element) {
  if (!before || before.nextElementSibling || before.dataset.author !== element.dataset.author) return false;
  if (before.matches(".entry-system") || element.matches(".entry-system")) return false;
  return Date.parse(element.dataset.at) - Date.parse(before.dataset.at) < BREATH;
}

/** Puts older lines on top (elements of the server's own fragment). */
export function prepend(elements, hasMore) {
  for (const [at, element] of elements.entries()) {
    const html = changedSince.get(Number(element.dataset.seq));
    const [fresh] = html ? parse(html) : [];
    if (fresh) elements[at] = fresh;
  }
  const known = elements.filter((element) => !element.id || !document.getElementById(element.id));
  list.prepend(...known);
  regroup(list);
  known.forEach((element) => settle(element));
  talk.dataset.first = known.find((element) => element.dataset.seq)?.dataset.seq ?? talk.dataset.first;
  talk.dataset.more = String(hasMore);
  tell("changed", null);
}

/** Takes the oldest lines out of a long page. Called when the newest are in view. */
function shorten() {
  const all = lines();
  if (all.length <= MOST_LINES) return;
  const keep = all[all.length - KEPT_LINES];
  let day = null;
  while (list.firstElementChild !== keep) {
    const gone = list.firstElementChild;
    if (!gone.dataset.seq && gone.dataset.day) day = gone;
    gone.remove();
  }
  if (day?.dataset.day === keep.dataset.day) list.prepend(day);
  talk.dataset.first = keep.dataset.seq;
  talk.dataset.more = "true";
  tell("shortened");
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
    const told = await since();
    if (!told) return;
    more = told.more && have > before;
  }
}

/** What follows after the lines of a page in the past, a piece at a time. */
export async function goOn() {
  const told = await since();
  if (!told || told.more) return;
  isPast = false;
  talk.dataset.later = "false";
  part("later-link")?.remove();
  watch();
}

async function since() {
  const answer = await get(`${talk.dataset.sinceUrl}${have}/`);
  if (answer.redirected) tell("signed-out");
  else if (answer.status === 404) tell("gone");
  else if (!answer.body?.entries) later(answer.retryAfter);
  // Taken in again: what may be seen begins anew, and so does the page.
  else if (!isIn) location.reload();
  else {
    failures = 0;
    tell("answered");
    // Who left and was taken in again has a history that begins anew.
    have = Math.max(have, (answer.body.entries[0]?.seq ?? 0) - 1);
    apply(answer.body.entries);
    tell("cursors", answer.body.cursors);
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
  send({ type: "messaging.watch", conversation, seq: isPast ? EVERYTHING : have });
}

const ours = (listener) => (frame) => frame.conversation === conversation && listener(frame);

onSocket("messaging.entries", ours((frame) => {
  apply(frame.entries);
  if (frame.more || frame.newest > have) catchUp();
}));
onSocket("messaging.cursors", ours((frame) => tell("cursors", frame.cursors)));
onSocket("messaging.gone", ours(() => tell("gone")));
// A heartbeat that does not name the open conversation: the server never took up the watch, so once more. Where the viewer
// has been taken out meanwhile, the answer is "not_found".
onSocket("heartbeat", ({ messaging }) => {
  if (!messaging || !isIn) return;
  if (messaging.conversation !== conversation) watch();
  else if (messaging.newest > have) catchUp();
});
// "gone" may have been told while there was no socket: the answer over HTTP counts.
onSocket("error", ({ reason }) => reason === "not_found" && isIn && (isPast ? goOn() : catchUp()));
onSocket("messaging.inbox", ours(() => !isIn && catchUp()));
// A page in the past lacks nothing but how far the others have read, which the answer to a watch says.
onSocket("lagged", () => (isPast && isIn ? watch() : catchUp()));
onSocket("state", (state) => state === "open" && (isIn ? watch() : catchUp()));
window.addEventListener("online", () => catchUp());
window.addEventListener("pageshow", ({ persisted }) => persisted && catchUp());
on("gone", () => {
  isIn = false;
  clearTimeout(retry);
});
on("end", shorten);

/** Begins: what came while the page was on its way is asked for when the socket opens. */
export function start(state) {
  regroup(list);
  if (state === "open") watch();
}
