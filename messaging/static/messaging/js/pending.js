// What this member has written here and the server has not acknowledged yet: below the lines, at once, as it was typed.
import { apply } from "./log.js";
import { setMark } from "./marks.js";
import * as outbox from "./outbox.js";
import { follow, isAtEnd, toEnd } from "./scroll.js";
import { conversation, on, part, talk, tell } from "./talk.js";
import { shape, words } from "./words.js";

// So many client ids are remembered as seen.
const REMEMBERED = 200;
// Statuses that the page has words of its own for.
const REFUSALS = { 400: "refused", 403: "forbidden", 404: "gone", 413: "tooLarge" };

const list = document.createElement("ol");
const voice = document.createElement("p");
const bubbles = new Map();
const seen = new Set();

function show(item) {
  const id = item.client_id;
  if (seen.has(id) || bubbles.has(id)) return;
  if (document.querySelector(`[data-client-id="${CSS.escape(id)}"]`)) {
    outbox.arrived(id, conversation);
    return;
  }
  const bubble = shape("pending-entry");
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
  const news = outbox.newsOf(id);
  if (item.refused) refuse(bubble, item.refused);
  else if (news?.kind === "waiting") wait(bubble, news.why);
  else if (bubble.previousElementSibling?.dataset.state === "waiting") {
    stand(bubble, "waiting", { text: bubble.previousElementSibling.querySelector("[data-mark]").textContent });
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
  if (item) tell("write", item);
}

async function discard(id) {
  await outbox.drop(id);
  tell("focus");
}

// -- What is known of a message ------------------------------------------------------------------
function stand(bubble, mark, { text, reason = "", buttons = false } = {}) {
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
  for (const each of [bubble, ...behind(bubble)]) stand(each, "sending");
}

function wait(bubble, why) {
  const text = words(`waiting-${why}`.replace(/-(\w)/g, (whole, letter) => letter.toUpperCase()));
  stand(bubble, "waiting", { text, buttons: true });
  for (const other of behind(bubble)) stand(other, "waiting", { text });
}

function refuse(bubble, { error, text }) {
  const reason = text || words(REFUSALS[error] ?? "refused");
  stand(bubble, "failed", { reason, buttons: true });
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

// The answer and the frame of the same message come in either order.
function sent(bubble, { client_id, entry }) {
  apply([entry]);
  if (bubbles.has(client_id)) stand(bubble, "sent");
}

async function hear(news) {
  if (news.kind === "forgotten" || news.kind === "back") return restore();
  if (news.conversation !== conversation) return;
  if (news.kind === "added") {
    const item = news.item ?? (await outbox.unsent(conversation)).find(({ client_id }) => client_id === news.client_id);
    if (item) show(item);
    return;
  }
  const bubble = bubbles.get(news.client_id);
  if (news.kind === "sent" && !bubble) apply([news.entry]);
  if (!bubble) return;
  if (news.kind === "sending" || news.kind === "again") leave(bubble);
  else if (news.kind === "progress") advance(bubble, news.share);
  else if (news.kind === "waiting") wait(bubble, news.why);
  else if (news.kind === "refused") announce(refuse(bubble, news));
  else if (news.kind === "sent") sent(bubble, news);
  else if (news.kind === "dropped" || news.kind === "arrived") remove(news.client_id);
}

// Read out where it is in view, said in a toast where it is not.
function announce(reason) {
  const text = `${words("failed")}. ${reason}`;
  if (isAtEnd()) voice.textContent = text;
  else document.dispatchEvent(new CustomEvent("toast", { detail: { text, level: "error" } }));
}

async function restore() {
  const items = await outbox.unsent(conversation);
  const kept = new Set(items.map((item) => item.client_id));
  for (const id of [...bubbles.keys()]) if (!kept.has(id)) remove(id);
  items.forEach(show);
}

on("arrived", (id) => {
  seen.add(id);
  if (seen.size > REMEMBERED) seen.delete(seen.values().next().value);
  remove(id);
  outbox.arrived(id, conversation);
});

/** Begins: shows what an earlier visit has left. */
export async function start() {
  list.className = "log-entries log-pending";
  // What is said counts when it has been sent: then it is a line of the log, and read out.
  list.setAttribute("aria-live", "off");
  list.setAttribute("aria-label", words("unsent"));
  voice.className = "sr-only";
  voice.setAttribute("role", "status");
  part("entries").after(list);
  talk.append(voice);
  outbox.on(hear);
  await restore();
  if (bubbles.size) toEnd();
}
