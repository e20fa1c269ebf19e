// The title of a group and its number of members: the head of the page follows changes.
import { conversationEvents } from "./conversation-events.js";
import { part } from "./conversation-page.js";
import { activate } from "./html.js";
import { page } from "./transport.js";

const CHANGES = ["joined", "left", "renamed"];
// Changes that come together cause one request, and not all tabs ask in the same moment (milliseconds).
const SOON = 200;
const SPREAD = 1_000;

let timer;

async function look() {
  const fresh = (await page(location.pathname))?.querySelector("[data-who]");
  if (!fresh || !part("who")) return;
  part("who").replaceWith(fresh);
  activate(fresh);
}

conversationEvents.on("entry", ({ kind }) => {
  if (!part("who") || !CHANGES.includes(kind)) return;
  clearTimeout(timer);
  timer = setTimeout(look, SOON + Math.random() * SPREAD);
});
conversationEvents.on("gone", () => clearTimeout(timer));
