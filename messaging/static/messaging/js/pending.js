// Messages that the server has not acknowledged yet: shown below the log at once, as they were typed.
import { toast } from "../../theme/js/toasts.js";
import { apply } from "./log.js";
import { setMark } from "./marks.js";
import * as outbox from "./outbox.js";
import { follow, isAtEnd, toEnd } from "./scroll.js";
import { conversationEvents } from "./conversation-events.js";
import { conversationElement, conversationId, part } from "./conversation-page.js";
import { cloneTemplate, words } from "./translations.js";

// So many client ids are remembered as seen.
const REMEMBERED = 200;
// Statuses that the page has its own words for.
const REFUSALS = { 400: "refused", 403: "forbidden", 404: "gone", 413: "tooLarge" };

const list = document.createElement("ol");
const voice = document.createElement("p");
const bubbles = new Map();
const seen = new Set();

function show(item) {
  const id = item.client_id;
  if (seen.has(id) || bubbles.has(id)) return;
  if (document.querySelector(`[data-client-id="${CSS.escape(id)}"]`)) {
    outbox.arrived(id, conversationId);
    return;
  }
  const bubble = cloneTemplate("pending-entry");
  bubbles.set(id, bubble);
  bubble.dataset.pending = id;
  bubble.querySelector("[data-text]").textContent = item.text;
  bubble.querySelector(".entry-body").hidden = !item.text;
  const files = [...item.pictures.map(picture), ...item.files.map(chip)];
  bubble.querySelector("[data-files]").append(...files);
  bubble.querySelector("[data-again]").addEventListener("click", () => outbox.again(id));
  bubble.querySelector("[data-edit-pending]").addEventListener("click", () => takeBack(id));
  bubble.querySelector("[data-discard]").addEventListener("click", () => discard(id));
  follow(() => list.append(bubble));
  const last = outbox.lastChangeOf(id);
  if (item.refused) refuse(bubble, item.refused);
  else if (last?.kind === "waiting") wait(bubble, last.why);
  else if (bubble.previousElementSibling?.dataset.state === "waiting") {
    setState(bubble, "waiting", { text: bubble.previousElementSibling.querySelector("[data-mark]").textContent });
  }
}

function picture(file) {
  const image = document.createElement("img");
  image.className = "pending-picture";
  image.alt = file.name;
  image.src = URL.createObjectURL(file);
  return image;
}

function chip(file) {
  const named = document.createElement("span");
  named.className = "attachment";
  named.textContent = file.name;
  return named;
}

function remove(id) {
  const bubble = bubbles.get(id);
  if (!bubble) return;
  bubbles.delete(id);
  for (const image of bubble.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  follow(() => bubble.remove());
}

/** What was written last and is not acknowledged: {id, isUnderWay}; undefined where there is nothing. */
export function newest() {
  const bubble = list.lastElementChild;
  return bubble ? { id: bubble.dataset.pending, isUnderWay: !["waiting", "failed"].includes(bubble.dataset.state) } : undefined;
}

/** The words of a message that is not sent go back to where they were written. */
export async function takeBack(id) {
  const item = await outbox.drop(id);
  if (item) conversationEvents.emit("write", item);
}

async function discard(id) {
  await outbox.drop(id);
  conversationEvents.emit("focus");
}

// -- What is known of a message ------------------------------------------------------------------
function setState(bubble, mark, { text, reason = "", buttons = false } = {}) {
  follow(() => {
    bubble.dataset.state = mark;
    setMark(bubble, mark, text);
    bubble.querySelector("[data-reason]").textContent = reason;
    bubble.querySelector("[data-failed]").hidden = !buttons;
    if (mark !== "sending") bubble.querySelector("progress")?.remove();
  });
}

// Those behind it wait for it.
function behind(bubble) {
  const all = [...list.children];
  return all.slice(all.indexOf(bubble) + 1).filter((other) => other.dataset.state !== "failed");
}

function leave(bubble) {
  for (const each of [bubble, ...behind(bubble)]) setState(each, "sending");
}

function wait(bubble, why) {
  const text = words(`waiting-${why}`.replace(/-(\w)/g, (whole, letter) => letter.toUpperCase()));
  setState(bubble, "waiting", { text, buttons: true });
  for (const other of behind(bubble)) setState(other, "waiting", { text });
}

function refuse(bubble, { error, text }) {
  const reason = text || words(REFUSALS[error] ?? "refused");
  setState(bubble, "failed", { reason, buttons: true });
  return reason;
}

function advance(bubble, share) {
  let bar = bubble.querySelector("progress");
  if (!bar) {
    bar = document.createElement("progress");
    bar.className = "progress";
    bar.max = 100;
    bar.setAttribute("aria-label", words("uploading"));
    bubble.querySelector("[data-files]").after(bar);
  }
  bar.value = Math.round(share * 100);
}

async function add(change) {
  const item = change.item ?? (await outbox.unsent(conversationId)).find(({ client_id }) => client_id === change.client_id);
  if (item) show(item);
}

// The response and the frame of the same message come in either order.
function acknowledge({ client_id, entry }) {
  apply([entry]);
  const bubble = bubbles.get(client_id);
  if (bubble) setState(bubble, "sent");
}

function listen() {
  const here = (type, listener) => outbox.outboxEvents.on(type, (change) => change.conversation === conversationId && listener(change));
  const shown = (type, listener) => here(type, (change) => bubbles.has(change.client_id) && listener(bubbles.get(change.client_id), change));
  here("added", add);
  here("sent", acknowledge);
  shown("sending", leave);
  shown("again", leave);
  shown("progress", (bubble, { share }) => advance(bubble, share));
  shown("waiting", (bubble, { why }) => wait(bubble, why));
  shown("refused", (bubble, change) => announce(refuse(bubble, change)));
  for (const type of ["dropped", "arrived"]) here(type, ({ client_id }) => remove(client_id));
  for (const type of ["forgotten", "back"]) outbox.outboxEvents.on(type, restore);
}

// Read out where it is in view, said in a toast where it is not.
function announce(reason) {
  const text = `${words("failed")}. ${reason}`;
  if (isAtEnd()) voice.textContent = text;
  else toast(text, "error");
}

async function restore() {
  const items = await outbox.unsent(conversationId);
  const kept = new Set(items.map((item) => item.client_id));
  for (const id of [...bubbles.keys()]) if (!kept.has(id)) remove(id);
  items.forEach(show);
}

conversationEvents.on("arrived", (id) => {
  seen.add(id);
  if (seen.size > REMEMBERED) seen.delete(seen.values().next().value);
  remove(id);
  outbox.arrived(id, conversationId);
});

/** Begins: shows what an earlier visit has left. */
export async function start() {
  list.className = "log-entries log-pending";
  // Screen readers announce a message once it is sent: then it is an entry of the log.
  list.setAttribute("aria-live", "off");
  list.setAttribute("aria-label", words("unsent"));
  voice.className = "sr-only";
  voice.setAttribute("role", "status");
  part("entries").after(list);
  conversationElement.append(voice);
  listen();
  await restore();
  if (bubbles.size) toEnd();
}
