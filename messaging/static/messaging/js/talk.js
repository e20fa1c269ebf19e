// The conversation that is open on this page, and what its modules tell each other.

export const talk = document.querySelector("[data-talk]");
export const conversation = Number(talk?.dataset.conversation ?? 0);
export const me = Number(document.body.dataset.member ?? 0);

/** The part of the conversation with the attribute `data-<name>`. */
export const part = (name) => talk?.querySelector(`[data-${name}]`) ?? null;

const listeners = new Map();

/** Calls `listener(...values)` whenever `tell(what, ...values)` is called. */
export function on(what, listener) {
  listeners.set(what, [...(listeners.get(what) ?? []), listener]);
}

/**
 * Lets the other modules know: "entry" (one was applied), "shown" (all that came together), "changed" (a line, or null
 * for many), "arrived" (client id), "cursors", "answered", "gone", "signed-out", "sent" (the viewer wrote), "write" (put
 * this into the field), "focus", "edit-last", "scrolled", "end", "to-newest", "shortened".
 */
export function tell(what, ...values) {
  for (const listener of listeners.get(what) ?? []) listener(...values);
}

/** Whether somebody looks at this page now. */
export const inView = () => document.visibilityState === "visible" && document.hasFocus();

/** An element made of the html of our own lines, set up like the rest of the page. */
export function parse(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  return [...box.content.children];
}

/** Lets htmx and the page's scripts know of elements that have come into the page. */
export function settle(...elements) {
  for (const element of elements) {
    window.htmx?.process(element);
    element.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true, detail: { elt: element } }));
  }
}
