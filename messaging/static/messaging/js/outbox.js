// What has been written and is not yet on the server: kept by the browser (store.js), sent by one tab at a time (locks.js),
// one message at a time in each conversation, in the order in which they were written, until the server has answered.
// A repeated send carries the same client id, so nothing is lost when a tab goes and nothing is stored twice.
import { socketEvents } from "../../core/js/socket.js";
import { TypedEvents } from "../../core/js/typed-events.js";
import { alone } from "./locks.js";
import * as store from "./store.js";
import { post, renewToken } from "./transport.js";

const member = document.body.dataset.member;
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 60_000;
// How long a message waits for a network, or for its writer to sign in, before it is tried in spite of appearances.
const BLIND_DELAY = 30_000;
const TRY_AGAIN = new Set([0, 408, 425, 429]);

// By conversation: how to wake the lane out of its waiting, and whether something was added while it was at work.
const lanes = new Map();
// By client id: the last change of a message on its way, for modules that listen later.
const lastChanges = new Map();
let channel = null;
let leaving = new AbortController();

store.open(member);

/**
 * @typedef {{ kind: string, client_id: string, conversation: number }} Change
 * @typedef {object} OutboxEvents        what happens to messages, here or in another tab
 * @property {Change & { item?: object }} added    a message was written; `item` in the tab where it was
 * @property {Change} again                        it is tried once more
 * @property {Change} sending                      it is on its way
 * @property {Change & { share: number }} progress so much of it is sent, from 0 to 1
 * @property {Change & { why: string }} waiting    it could not be sent now
 * @property {Change & { error: string, text: string }} refused    the server refused it
 * @property {Change & { entry: object }} sent     the server has it
 * @property {Change} arrived                      it was seen in the conversation
 * @property {Change} dropped                      the member took it back
 * @property {object} forgotten                    everything that was not sent is gone
 * @property {object} back                         the page is shown again, from the browser's memory
 */

/** @type {TypedEvents<OutboxEvents>} */
export const outboxEvents = new TypedEvents();

/** The last change of a message that is not sent yet; undefined where there was none. */
export const lastChangeOf = (clientId) => lastChanges.get(clientId);

/** What is not sent yet, of one conversation or of all, oldest first. */
export async function unsent(conversation) {
  return (await store.all()).filter((item) => conversation === undefined || item.conversation === conversation);
}

/** Takes a message: {conversation, url, text, pictures, files}; resolves to it once the browser keeps it. */
export async function add(message) {
  const item = { ...message, client_id: newId(), at: new Date().toISOString() };
  await store.add(item);
  publish({ kind: "added", client_id: item.client_id, conversation: item.conversation, item });
  work(item.conversation);
  return item;
}

/** Tries once more, now: what waits, or what was refused. */
export async function again(clientId) {
  const item = await find(clientId);
  if (!item) return;
  // The id of a message that differs from what the server has under it is spent.
  const fresh = item.refused?.error === "client_id_taken" ? newId() : clientId;
  if (fresh !== clientId) {
    await drop(clientId);
    const { order, refused, ...rest } = item;
    await store.add({ ...rest, client_id: fresh });
    publish({ kind: "added", client_id: fresh, conversation: item.conversation, item: { ...rest, client_id: fresh } });
  } else await store.change(item, { refused: null });
  publish({ kind: "again", client_id: fresh, conversation: item.conversation });
  work(item.conversation);
}

/** Forgets a message that is not sent; resolves to what it was. */
export async function drop(clientId) {
  const item = await find(clientId);
  if (item && (await store.remove(clientId))) publish({ kind: "dropped", client_id: clientId, conversation: item.conversation });
  return item;
}

/** The server has this message: it was seen in the conversation. */
export async function arrived(clientId, conversation) {
  if (await store.remove(clientId)) publish({ kind: "arrived", client_id: clientId, conversation });
}

/** Forgets everything that was written and not sent. */
export async function forget() {
  stopAll();
  await store.clear();
  publish({ kind: "forgotten" });
}

/** Sends what waits, without waiting any longer; in whichever tab it is that sends. */
async function wake() {
  for (const conversation of new Set((await waiting()).map((item) => item.conversation))) {
    channel?.postMessage({ kind: "wake", conversation });
    work(conversation);
  }
}

async function find(clientId) {
  return (await store.all()).find((item) => item.client_id === clientId);
}

async function waiting(conversation) {
  return (await unsent(conversation)).filter((item) => !item.refused);
}

// -- Between tabs -------------------------------------------------------------------------------
function join() {
  if (!("BroadcastChannel" in window)) return;
  channel = new BroadcastChannel(`linkup-outbox-${member}`);
  channel.onmessage = ({ data }) => {
    handle(data);
    if (data.kind === "added" || data.kind === "again" || data.kind === "wake") work(data.conversation);
    if (data.kind === "forgotten") stopAll();
  };
}

function publish(change) {
  // The pictures themselves are in the store, where the other tabs find them.
  const { item, ...rest } = change;
  channel?.postMessage(rest);
  handle(change);
}

function handle(change) {
  if (change.kind === "sending" || change.kind === "waiting") lastChanges.set(change.client_id, change);
  else if (change.kind !== "progress") lastChanges.delete(change.client_id);
  outboxEvents.emit(change.kind, change);
}

// -- One conversation ---------------------------------------------------------------------------
async function work(conversation) {
  const lane = lanes.get(conversation);
  if (lane) {
    lane.more = true;
    lane.wake();
    return;
  }
  const opened = { more: true, wake: () => {} };
  lanes.set(conversation, opened);
  const { signal } = leaving;
  try {
    while (opened.more && !signal.aborted) {
      opened.more = false;
      await alone(`linkup-outbox-${member}-${conversation}`, signal, () => empty(conversation, opened, signal));
    }
  } catch (error) {
    if (error.name !== "AbortError") console.error(error);
  } finally {
    if (lanes.get(conversation) === opened) lanes.delete(conversation);
  }
}

// What is under way is given up; what comes afterwards is not.
function stopAll() {
  leaving.abort();
  leaving = new AbortController();
  lanes.clear();
}

async function empty(conversation, lane, signal) {
  let failures = 0;
  while (!signal.aborted) {
    const [item] = await waiting(conversation);
    if (!item) return;
    const outcome = await attempt(item, failures, signal);
    if (signal.aborted) return;
    failures = outcome.delay === undefined ? 0 : failures + 1;
    if (outcome.delay === undefined) continue;
    publish({ kind: "waiting", client_id: item.client_id, conversation, why: outcome.why });
    await pause(outcome.delay, lane, signal);
  }
}

function pause(delay, lane, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      lane.wake = () => {};
      resolve();
    };
    const timer = setTimeout(end, delay);
    lane.wake = end;
    signal.addEventListener("abort", end);
  });
}

/** Sends `item` once. {} when it is settled, else {why, delay}: try again after so many milliseconds. */
async function attempt(item, failures, signal) {
  if (!navigator.onLine) return { why: "offline", delay: BLIND_DELAY };
  const { client_id, conversation } = item;
  publish({ kind: "sending", client_id, conversation });
  let answer = await post(item.url, fieldsOf(item), { signal, progress: progressOf(item) });
  if (answer.status === 403 && !answer.body?.text) {
    const renewed = await renewToken();
    if (renewed === "signed-out") return { why: "signed-out", delay: BLIND_DELAY };
    if (renewed === "unknown") return { why: "network", delay: backOff(failures) };
    answer = await post(item.url, fieldsOf(item), { signal, progress: progressOf(item) });
  }
  if (answer.redirected) return { why: "signed-out", delay: BLIND_DELAY };
  if (answer.body?.entry) {
    await store.remove(client_id);
    publish({ kind: "sent", client_id, conversation, entry: answer.body.entry });
    return {};
  }
  if (answer.status >= 400 && answer.status < 500 && !TRY_AGAIN.has(answer.status)) {
    const refused = refusalOf(answer);
    await store.change(item, { refused });
    publish({ kind: "refused", client_id, conversation, ...refused });
    return {};
  }
  const why = answer.status === 429 ? "slow" : answer.status >= 500 ? "server" : "network";
  return { why, delay: Math.max(answer.retryAfter * 1000, backOff(failures)) };
}

function fieldsOf(item) {
  return [
    ["text", item.text],
    ["client_id", item.client_id],
    ...item.pictures.map((file) => ["pictures", file, file.name]),
    ...item.files.map((file) => ["files", file, file.name]),
  ];
}

function progressOf({ client_id, conversation, pictures, files }) {
  if (!pictures.length && !files.length) return undefined;
  let reportedAt = 0;
  return (share) => {
    if (share < 1 && Date.now() - reportedAt < 200) return;
    reportedAt = Date.now();
    publish({ kind: "progress", client_id, conversation, share });
  };
}

// {error, text}: a code, or the status where the page has its own words for it, and the server's words if it gave any.
function refusalOf({ status, body }) {
  const text = body?.text ?? Object.values(body?.errors ?? {}).flat().join(" ");
  return { error: text ? body.error : String(status), text };
}

function backOff(failures) {
  return Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** failures) * (0.5 + Math.random() / 2);
}

// crypto.randomUUID is there under TLS only.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// -- The page comes and goes --------------------------------------------------------------------
window.addEventListener("online", () => wake());
socketEvents.on("state", ({ state }) => state === "open" && wake());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake());
window.addEventListener("pagehide", () => {
  stopAll();
  channel?.close();
  channel = null;
  store.close();
});
window.addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  join();
  handle({ kind: "back" });
  wake();
});

if (member) {
  join();
  wake();
}
