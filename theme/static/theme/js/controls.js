// Controls: what can have the keyboard's focus, and which of them does the same as another.
const CONTROLS = "a[href], button, input:not([type='hidden']), select, textarea, summary, [tabindex]";
// Sends a request on its own: a second press of Enter must not do another act than the first.
const ACTS = "[hx-post], [formaction], button[type='submit'], button:not([type])";
const FIELDS = "textarea, select, input:not([type='hidden'], [type='submit'])";
// An act and the one that takes it back are one: those with "un" before the name, and these.
const OPPOSITES = { withdraw: "invite" };

/** Whether the element is rendered and not inside something closed. */
export const isShown = (element) => element.isConnected && (element.checkVisibility?.() ?? true);

/** Whether no control of the page has the focus. */
export function isFocusLost() {
  const { activeElement } = document;
  return !activeElement || activeElement === document.body || !isShown(activeElement);
}

/** The controls inside `root` that the Tab key reaches, `root` included. */
export function controlsIn(root) {
  const found = [...root.querySelectorAll(CONTROLS)];
  if (root.matches?.(CONTROLS)) found.unshift(root);
  return found.filter((control) => control.tabIndex >= 0 && !control.disabled && isShown(control));
}

/** The first control of `root` that is no act. */
export const firstControl = (root) => controlsIn(root).find((control) => !control.matches(ACTS));

/** The field in which a member writes first: of a refused form, the first that is refused. */
export function firstField(root) {
  const invalid = root.querySelector(`[aria-invalid='true'], .field-invalid :is(${FIELDS})`);
  return invalid ?? [...root.querySelectorAll(FIELDS)].find((field) => !field.disabled && isShown(field));
}

/** Moves the focus to `element`, which need not be a control. */
export function focusOn(element, options) {
  if (element.tabIndex < 0 && !element.hasAttribute("tabindex")) element.tabIndex = -1;
  element.focus(options);
}

/** Puts the cursor behind the text of a field. */
export function focusField(field) {
  field.focus();
  if (field.matches("textarea")) field.setSelectionRange(field.value.length, field.value.length);
}

/**
 * Returns a function that moves the focus into the element that has replaced `former`: to the control that does the same as the
 * one that had it. Without the focus in `former` it does nothing.
 */
export function rememberFocus(former) {
  if (!former?.contains(document.activeElement)) return () => {};
  const description = describe(document.activeElement);
  return (fresh) => {
    if (!fresh.isConnected || !isFocusLost()) return;
    focusOn(findSame(description, controlsIn(fresh)) ?? firstControl(fresh) ?? fresh, { preventScroll: true });
  };
}

/** What is shown of a control: itself, or the button of the menu that it is in. */
export const shownPart = (control) => (isShown(control) ? control : control.closest("details")?.querySelector("summary"));

function addressOf(control) {
  if (!control.matches("a, button, form, [hx-get], [hx-post]")) return "";
  const named = ["formaction", "hx-post", "hx-get", "href"].map((name) => control.getAttribute(name)).find(Boolean);
  const { pathname } = new URL(named ?? control.form?.getAttribute("action") ?? "", location.href);
  return pathname.replace(/\/(?:un)?(\w+)\/$/, (_whole, act) => `/${OPPOSITES[act] ?? act}/`);
}

const menuOf = (control) => {
  const menu = control.closest("details[data-menu]");
  return control.dataset.menuTemplate || menu?.dataset.menu || menu?.querySelector("summary").textContent.trim() || "";
};

/** What tells a control from the others, as `findSame` needs it once the control is gone. */
export function describe(control) {
  const address = addressOf(control);
  return {
    tag: control.localName,
    name: control.name ?? "",
    value: control.matches("button, [type='checkbox'], [type='radio']") ? control.value : "",
    address,
    act: address.split("/").at(-2) ?? "",
    menu: menuOf(control),
  };
}

const isMenuButton = (control) => control.matches("summary, a[data-menu-template]");

/** The control among `controls` that does the same as the one of this description, or takes it back, or opens its menu. */
export function findSame(description, controls) {
  const { tag, name, value, address, act, menu } = description;
  const others = controls.map((control) => [control, describe(control)]);
  const find = (isSame) => others.find(([control, other]) => isSame(other, control))?.[0];
  const isNamed = name || address;
  return (
    find((other) => isNamed && other.tag === tag && other.name === name && other.value === value && other.address === address) ??
    find((other) => address && other.address === address) ??
    find((other) => act && other.act === act) ??
    find((other, control) => menu && isMenuButton(control) && other.menu === menu)
  );
}
