// What a group is called and how many are in it: the head of the page follows who comes and goes.
import { on, part, settle } from "./talk.js";
import { page } from "./transport.js";

const CHANGES = ["joined", "left", "renamed"];
// What comes together is one look, and not all tabs look in the same moment (milliseconds).
const SOON = 200;
const SPREAD = 1_000;

let timer;

async function look() {
  const fresh = (await page(location.pathname))?.querySelector("[data-who]");
  if (!fresh || !part("who")) return;
  part("who").replaceWith(fresh);
  settle(fresh);
}

on("entry", ({ kind }) => {
  if (!part("who") || !CHANGES.includes(kind)) return;
  clearTimeout(timer);
  timer = setTimeout(look, SOON + Math.random() * SPREAD);
});
on("gone", () => clearTimeout(timer));
