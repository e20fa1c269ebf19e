// A plain form that leads back to its page: the page is where it was, and the focus on what was acted on.
import { controlsIn, describe, findSame, firstControl, focusOn, isFocusLost } from "./controls.js";
import { openerOf } from "./page-dialogs.js";

const KEY = "acted-on";
// A page that comes later than this was not the answer (milliseconds).
const LONGEST = 30_000;

// Another member, or a visitor, sees another page.
const here = () => `${document.body.dataset.member} ${location.pathname}${location.search}`;

document.addEventListener("submit", (event) => {
  const control = openerOf(event.target) ?? event.submitter;
  if (event.defaultPrevented || event.target.method !== "post" || !control) return;
  const row = control.closest(".person, li, tr");
  const beside = [row?.nextElementSibling, row?.previousElementSibling].map((other) => other && firstControl(other));
  const controls = [control, ...beside].filter(Boolean).map(describe);
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ page: here(), at: Date.now(), top: window.scrollY, controls }));
  } catch { /* refused: the page begins at its top */ }
});

function take() {
  try {
    const stored = JSON.parse(sessionStorage.getItem(KEY));
    sessionStorage.removeItem(KEY);
    return stored;
  } catch {
    return null;
  }
}

// A refused form has put the focus on its error by now.
const acted = take();
const isAnswer = performance.getEntriesByType("navigation")[0]?.type === "navigate" && !location.hash;
if (acted?.page === here() && Date.now() - acted.at < LONGEST && isAnswer && isFocusLost()) {
  const present = controlsIn(document.querySelector("main") ?? document.body);
  // Only the same one: the next row may offer the same act.
  const found = acted.controls.map((control) => findSame({ ...control, act: "" }, present)).find(Boolean);
  const element = found ?? document.querySelector("h1");
  if (element) focusOn(element, { preventScroll: true });
  window.scrollTo(0, acted.top);
}
