// The keyboard's focus after a request of htmx: it stays with what was acted on, or goes to what took its place.
import { controlsIn, describe, findSame, firstControl, firstField, focusField, focusOn, isFocusLost, isShown, shownPart } from "./controls.js";
import { openerOf } from "./page-dialogs.js";

// Requests that no member made.
const AUTOMATIC = ["load", "intersect", "revealed", "every"];
// Of a response that is inserted at these ends, the new element is what the member made.
const INSERTIONS = ["beforeend", "afterbegin"];

let swap = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = event;
  swap = detail.requestConfig && detail.shouldSwap ? remember(detail) : null;
});

document.addEventListener("htmx:oobBeforeSwap", ({ detail: { target, fragment } }) => {
  // An element that replaces its target is in the fragment itself.
  const [first] = fragment.children;
  if (swap && first && target.id !== first.id) swap.added.push(first);
});

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (swap?.xhr === detail.xhr) restore(swap);
  swap = null;
});

function remember({ xhr, target, requestConfig }) {
  const { elt, triggeringEvent } = requestConfig;
  const active = document.activeElement;
  const hadFocus = active !== document.body && target.contains(active);
  const actor = openerOf(elt) ?? triggeringEvent?.submitter ?? elt;
  return {
    xhr,
    target,
    actor,
    hadFocus,
    isAct: triggeringEvent ? !AUTOMATIC.includes(triggeringEvent.type) : false,
    description: describe(hadFocus ? active : actor),
    // A link that is replaced by what it loads.
    loadsRows: elt.matches("a[hx-get]") && target.contains(elt),
    ids: new Set([...target.querySelectorAll("[id]")].map(({ id }) => id)),
    top: shownPart(actor)?.getBoundingClientRect().top,
    before: target.previousElementSibling,
    after: target.nextElementSibling,
    lines: linesAround(target),
    added: [],
  };
}

/** The elements beside `target` and beside each element around it, from the inside to the outside. */
function linesAround(target) {
  const lines = [];
  for (let element = target; element?.parentElement && !element.matches("main, body"); element = element.parentElement) {
    lines.push({ after: element.nextElementSibling, before: element.previousElementSibling, parent: element.parentElement });
  }
  return lines;
}

function restore(done) {
  const field = done.actor.matches("[data-focus-field]") && commentField(done.target);
  if (field && (isFocusLost() || document.activeElement === done.actor)) return focusField(field);
  if (!isFocusLost() || !(done.hadFocus || done.isAct)) return;
  const region = newElements(done);
  if (done.xhr.status >= 400) {
    const refused = region.map(firstField).find(Boolean);
    if (refused) return focusField(refused);
  }
  const [added] = done.added.filter(isShown);
  if (added) return focusOn(added.matches("[id]") ? added : (added.querySelector("[id]") ?? added));
  const row = done.loadsRows && firstNewRow(done, region);
  if (row) return focusOn(firstControl(row) ?? row);
  const same = findSame(done.description, region.flatMap(controlsIn));
  if (same) return focusInPlace(same, done.top);
  focusOn(region.map(firstControl).find(Boolean) ?? region[0] ?? neighbour(done.lines));
}

/** The elements that took the place of the target; the target itself if its content was replaced. */
function newElements({ target, before, after, lines }) {
  if (target.isConnected) return [target];
  const siblings = [...(lines[0]?.parent.children ?? [])];
  const start = before?.isConnected ? siblings.indexOf(before) + 1 : 0;
  const end = after?.isConnected ? siblings.indexOf(after) : siblings.length;
  return siblings.slice(start, end).filter(isShown);
}

function firstNewRow({ target, ids }, region) {
  const rows = target.isConnected ? [...target.children] : region;
  return rows.find((row) => !ids.has(row.id)) ?? rows[0];
}

/** The same control is where it was in the window: what came above it moves nothing away from the pointer. */
function focusInPlace(control, top) {
  focusOn(control, { preventScroll: true });
  const moved = control.getBoundingClientRect().top - (top ?? NaN);
  if (Math.abs(moved) >= 1 && Math.abs(moved) < window.innerHeight) window.scrollBy(0, moved);
  control.scrollIntoView({ block: "nearest" });
}

/** After a row was removed: the next row, else the previous one, else what the list is in. */
function neighbour(lines) {
  // With the last row, the list around it may be gone, too.
  const outside = lines.slice(lines.findIndex(({ parent }) => parent.isConnected));
  for (const row of [outside[0]?.after, outside[0]?.before]) {
    const control = row && isShown(row) && controlsIn(row)[0];
    if (control) return control;
  }
  for (const { parent } of outside) {
    const found = parent.querySelector("h1, h2, h3") ?? controlsIn(parent)[0];
    if (found) return found;
  }
  return document.querySelector("main");
}

// -- Fields --------------------------------------------------------------------------------------------
/** The field of the form below a list, not those of replies. */
const commentField = (root) => [...root.querySelectorAll("textarea")].find((area) => !area.closest("details") && isShown(area));

// <a hx-get data-focus-field>: the cursor goes into the field that it loads, and at once if it has been loaded before.
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, target } = event.detail;
  const field = elt.matches?.("[data-focus-field]") && commentField(target);
  if (!field) return;
  event.preventDefault();
  focusField(field);
});

// A <details> with a form, such as the one of a reply.
const FORM_BOX = "details:not([data-menu]):has(form)";

document.addEventListener(
  "toggle",
  ({ target }) => {
    if (!target.open || !target.matches(FORM_BOX) || !target.contains(document.activeElement)) return;
    const field = firstField(target);
    if (field) focusField(field);
  },
  true,
);

document.addEventListener("click", (event) => {
  const box = event.target.closest("summary")?.parentElement;
  const field = box?.open && box.matches(FORM_BOX) && firstField(box);
  if (!field) return;
  event.preventDefault();
  focusField(field);
});

document.addEventListener("keydown", (event) => {
  const box = event.key === "Escape" && event.target.closest?.(`${FORM_BOX}[open]`);
  if (!box || event.target.value) return;
  event.preventDefault();
  box.open = false;
  box.querySelector("summary").focus();
});
