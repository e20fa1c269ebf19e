// On every page: the number at the messages, what waits to be sent, and word that messages have arrived in this browser.
import { send, socketEvents } from "../../core/js/socket.js";
import { toast } from "../../theme/js/toasts.js";
import * as outbox from "./outbox.js";
import { get } from "./transport.js";

const MOST = 99;
const POLL = 30_000;
// Conversations whose receipt is remembered, at most.
const REMEMBERED = 200;

const acknowledged = new Map();

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
  if (!unread || seq <= (acknowledged.get(conversation) ?? 0)) return;
  if (!send({ type: "messaging.delivered", conversation, seq })) return;
  acknowledged.delete(conversation);
  acknowledged.set(conversation, seq);
  if (acknowledged.size > REMEMBERED) acknowledged.delete(acknowledged.keys().next().value);
}

socketEvents.on("messaging.badge", ({ unread }) => showUnread(unread));
socketEvents.on("heartbeat", ({ messaging }) => messaging && showUnread(messaging.unread));
socketEvents.on("messaging.inbox", acknowledge);
socketEvents.on("state", ({ state }) => {
  clearInterval(poll);
  if (state === "polling") poll = setInterval(ask, POLL);
});

// -- What another page has left --------------------------------------------------------------------
const said = document.getElementById("unsent-words")?.dataset ?? {};

// Where the conversation itself is open, it is said there.
outbox.outboxEvents.on("refused", ({ conversation, text }) => {
  if (document.querySelector(`[data-conversation-page][data-conversation="${conversation}"]`)) return;
  toast((said.notSent ?? "").replace("{reason}", () => text), "error");
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
for (const type of ["added", "sent", "dropped", "arrived", "forgotten", "back"]) outbox.outboxEvents.on(type, guard);
guard();
