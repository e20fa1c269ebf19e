// Edits and deletes the member's own messages in the log; without scripts the links lead to pages that do the same.
import { confirmAction } from "../../theme/js/dialogs.js";
import { toast } from "../../theme/js/toasts.js";
import { hintEnter, isComposing, sends, waits } from "./composer.js";
import { catchUp, entryElement, entryElements, replace } from "./log.js";
import * as pending from "./pending.js";
import { follow } from "./scroll.js";
import { conversationEvents } from "./conversation-events.js";
import { part } from "./conversation-page.js";
import { page, post, renewToken } from "./transport.js";
import { cloneTemplate, words } from "./translations.js";

const log = part("log");
// What leads to the page on which an own message is edited: the button of its menu, and the item once the menu was opened.
const EDIT = "a[data-menu-template='own-entry-choices'], a[data-edit]";

const isEditable = (entry) => Boolean(entry.querySelector(EDIT));

// The client id of a message that is to be changed as soon as the server has it.
let awaited = null;

async function edit(link) {
  const { seq } = link.closest("[data-seq]").dataset;
  const isOpen = () => entryElement(seq)?.querySelector("[data-edit-form]");
  if (isOpen()) return;
  const text = (await page(link.href))?.querySelector("textarea[name='text']")?.value;
  if (text === undefined) return location.assign(link.href);
  // Meanwhile the entry may have been replaced, deleted or opened by a second press.
  const shown = entryElement(seq);
  if (!shown || !isEditable(shown) || isOpen()) return;
  cancel();
  const form = cloneTemplate("edit-entry");
  const area = form.elements.text;
  form.action = link.href;
  area.id = `edit-${seq}`;
  form.querySelector("label").htmlFor = area.id;
  area.value = text;
  hintEnter(area);
  follow(() => {
    shown.querySelector(".entry-main").prepend(form);
    shown.classList.add("is-editing");
  });
  area.focus();
  area.setSelectionRange(text.length, text.length);
}

// What was said last may be on its way still, or unable to go.
function editLast() {
  const unsent = pending.newest();
  if (unsent?.isUnderWay) awaited = unsent.id;
  else if (unsent) pending.takeBack(unsent.id);
  else {
    const last = entryElements().findLast(isEditable);
    if (last) edit(last.querySelector(EDIT));
  }
}

function cancel() {
  for (const form of log.querySelectorAll("[data-edit-form]")) {
    follow(() => {
      form.closest("[data-seq]").classList.remove("is-editing");
      form.remove();
    });
  }
}

async function save(form) {
  const button = form.querySelector("[type='submit']");
  if (button.getAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  const answer = await change(form.action, [["text", form.elements.text.value]]);
  button.removeAttribute("aria-busy");
  if (done(answer)) {
    cancel();
    conversationEvents.emit("focus");
    await take(answer);
  } else form.querySelector("[data-edit-error]").textContent = why(answer);
}

async function remove(link) {
  if (!(await confirmAction(words("deleteSure"), words("delete")))) return;
  const answer = await change(link.href, []);
  if (done(answer)) await take(answer);
  else toast(why(answer), "error");
  conversationEvents.emit("focus");
}

async function change(url, fields) {
  const answer = await post(url, fields);
  if (answer.status !== 403 || answer.body?.text || (await renewToken()) !== "fresh") return answer;
  return post(url, fields);
}

// A plain answer leads back to the conversation; to the page for signing in it would not.
const done = ({ status, redirected, body }) => status >= 200 && status < 300 && (!redirected || body !== null);

async function take({ body }) {
  if (body?.entry) replace(body.entry.seq, body.entry.html);
  await catchUp();
}

function why({ status, redirected, body }) {
  if (redirected) return words("waitingSignedOut");
  if (body?.text) return body.text;
  if (body?.errors) return Object.values(body.errors).flat().join(" ");
  return words(status === 0 || status >= 500 ? "unreachable" : "forbidden");
}

function press(event) {
  const form = event.target.closest?.("[data-edit-form]");
  if (!form || isComposing(event)) return;
  if (event.key === "Escape") {
    event.preventDefault();
    cancel();
    conversationEvents.emit("focus");
  } else if (event.target.matches("textarea") && sends(event)) {
    event.preventDefault();
    form.requestSubmit();
  }
}

/** Begins to listen. */
export function start() {
  log.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("a[data-edit], a[data-delete]");
    if (link) {
      event.preventDefault();
      (link.matches("[data-edit]") ? edit : remove)(link);
    } else if (event.target.closest("[data-edit-cancel]")) {
      cancel();
      conversationEvents.emit("focus");
    }
  });
  log.addEventListener("keydown", press);
  log.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-edit-form]")) return;
    event.preventDefault();
    save(event.target);
  });
  conversationEvents.on("edit-last", editLast);
  conversationEvents.on("sent", () => (awaited = null));
  conversationEvents.on("arrived", (id) => {
    if (id !== awaited) return;
    awaited = null;
    if (waits()) editLast();
  });
}
