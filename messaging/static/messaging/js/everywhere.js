// On every page: the number at the messages, what waits to be sent, and word that messages have arrived in this browser.
import { on, send } from "../../core/js/tab.js";
import * as outbox from "./outbox.js";
import { get } from "./transport.js";

const MOST = 99;
const POLL = 30_000;
// So many conversations are remembered as told of.
const REMEMBERED = 200;

const told = new Map();

let poll;

function showUnread(unread) {
  for (const badge of document.querySelectorAll("[data-messages-badge]")) {
    badge.hidden = !unread;
    badge.querySelector("[data-count]").textContent = unread > MOST ? `${MOST}+` : String(unread);
  }
}

async function ask() {
  const { body } = await get("/messages/news/");
  if (body) showUnread(body.unread);
}

function acknowledge({ conversation, seq, unread }) {
  if (!unread || seq <= (told.get(conversation) ?? 0)) return;
  if (!send({ type: "messaging.delivered", conversation, seq })) return;
  told.delete(conversation);
  told.set(conversation, seq);
  if (told.size > REMEMBERED) told.delete(told.keys().next().value);
}

on("messaging.badge", ({ unread }) => showUnread(unread));
on("heartbeat", ({ messaging }) => messaging && showUnread(messaging.unread));
on("messaging.inbox", acknowledge);
on("state", (state) => {
  clearInterval(poll);
  if (state === "polling") poll = setInterval(ask, POLL);
});

// -- What another page has left --------------------------------------------------------------------
const said = document.getElementById("messaging-words")?.dataset ?? {};

// Where the conversation itself is open, it is said there.
outbox.on(({ kind, conversation, text }) => {
  if (kind !== "refused" || document.querySelector(`[data-talk][data-conversation="${conversation}"]`)) return;
  const detail = { text: (said.notSent ?? "").replace("{reason}", () => text), level: "error" };
  document.dispatchEvent(new CustomEvent("toast", { detail }));
});

// -- Signing out leaves nothing behind on a shared computer ---------------------------------------
async function guard() {
  const isUnsent = (await outbox.unsent()).length > 0;
  for (const form of document.querySelectorAll("form[data-sign-out]")) {
    if (isUnsent) Object.assign(form.dataset, { confirm: said.unsent, confirmLabel: said.unsentLabel });
    else if (form.dataset.confirm === said.unsent) delete form.dataset.confirm;
  }
}

document.addEventListener("submit", async (event) => {
  if (!event.target.matches("[data-sign-out]") || event.defaultPrevented) return;
  event.preventDefault();
  const patience = new Promise((resolve) => setTimeout(resolve, 1000));
  await Promise.race([outbox.forget(), patience]);
  event.target.submit();
});
outbox.on(({ kind }) => ["added", "sent", "dropped", "arrived", "forgotten", "back"].includes(kind) && guard());
guard();
