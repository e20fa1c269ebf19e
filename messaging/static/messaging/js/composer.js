// The composer: Enter sends, Shift+Enter starts a new line, the up arrow in an empty field edits the last message. On a touch
// screen Enter starts a new line, as its keyboard has no Shift+Enter, and the button sends.
import * as outbox from "./outbox.js";
import { conversationEvents } from "./conversation-events.js";
import { conversationElement, conversationId, part } from "./conversation-page.js";
import { reportTyping } from "./typing.js";

const touch = window.matchMedia("(pointer: coarse)");

const form = part("send-form");
const area = form?.elements.text;

// The latest message is in the browser's keeping.
let kept = Promise.resolve();

const filesOf = (name) => [...(form.elements[name]?.files ?? [])];

/** Puts the cursor into the composer. */
export function focus() {
  if (area && !form.hidden) area.focus({ preventScroll: true });
}

/** Whether the cursor is in the composer, and nothing is written. */
export const waits = () => Boolean(area) && document.activeElement === area && area.value === "";

// The draft (theme/js/drafts.js) is kept until the browser keeps the message.
async function send() {
  const message = { conversation: conversationId, url: conversationElement.dataset.sendUrl, text: area.value, pictures: filesOf("pictures"), files: filesOf("files") };
  if (!message.text.trim() && !message.pictures.length && !message.files.length) return focus();
  form.reset();
  area.value = "";
  part("send-errors")?.replaceChildren();
  area.removeAttribute("aria-invalid");
  focus();
  kept = outbox.add(message);
  await kept;
  conversationEvents.emit("sent");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

function write({ text, pictures, files }) {
  area.value = [text, area.value].filter(Boolean).join("\n");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  attach(pictures, "pictures");
  attach(files, "files");
  focus();
}

/** Adds `files` to the field `name`, as if they had been chosen there (theme/js/uploads.js checks and shows them). */
export function attach(files, name) {
  const input = form?.elements[name];
  if (!input || !files.length) return;
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Whether an input method that is choosing letters has the keys. */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/** Whether this key sends what is written; with Ctrl or the command key it does everywhere. */
export function sends(event) {
  if (event.key !== "Enter" || event.shiftKey || event.altKey || isComposing(event)) return false;
  return !touch.matches || event.ctrlKey || event.metaKey;
}

/** Lets the keyboard on the screen show what its Enter does in `field`. */
export function hintEnter(field) {
  field.setAttribute("enterkeyhint", touch.matches ? "enter" : "send");
}

function press(event) {
  if (sends(event)) {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.key === "ArrowUp" && area.value === "" && !isComposing(event)) {
    event.preventDefault();
    kept.then(() => conversationEvents.emit("edit-last"));
  }
}

// Browsers that cannot grow a field by themselves.
function grow() {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}

/** Begins to listen. */
export function start() {
  if (!area) return;
  hintEnter(area);
  // A tablet got a keyboard, or lost it.
  touch.addEventListener("change", () => hintEnter(area));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  area.addEventListener("keydown", press);
  area.addEventListener("input", (event) => event.isTrusted && area.value.trim() && reportTyping());
  if (!CSS.supports("field-sizing", "content")) area.addEventListener("input", grow);
  conversationEvents.on("write", write);
  conversationEvents.on("focus", focus);
}
