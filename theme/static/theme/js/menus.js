// <details data-menu>: Escape and a click outside close it; arrow keys move through its items; it opens where there is room.
// <a data-menu-template="id" data-action="url"> becomes such a menu when it is used: many rows share one list of actions, the
// <template> with this id. Its buttons send to `url`, its links are relative to it. Without JavaScript it is a link.

const openMenus = () => document.querySelectorAll("details[data-menu][open]");

const openShared = (link) => {
  const menu = document.createElement("details");
  menu.className = link.classList.contains("menu-end") ? "menu" : "menu menu-start";
  menu.dataset.menu = link.dataset.menuTemplate;
  menu.open = true;
  const summary = menu.appendChild(document.createElement("summary"));
  summary.className = link.className;
  summary.ariaLabel = link.ariaLabel;
  summary.append(...link.childNodes);
  const panel = menu.appendChild(document.createElement("div"));
  panel.className = "menu-panel";
  panel.append(document.getElementById(link.dataset.menuTemplate).content.cloneNode(true));
  for (const button of panel.querySelectorAll("button")) {
    button.setAttribute("formaction", link.dataset.action);
    button.setAttribute("hx-post", link.dataset.action);
  }
  for (const item of panel.querySelectorAll("a")) {
    item.setAttribute("href", link.dataset.action + item.getAttribute("href"));
  }
  link.replaceWith(menu);
  window.htmx?.process(panel);
  summary.focus();
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-menu-template]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openShared(link);
});

document.addEventListener("click", (event) => {
  // The link that a menu has just replaced is outside of it.
  if (!event.target.isConnected) return;
  for (const menu of openMenus()) {
    const chosen = event.target.closest(".menu-panel a, .menu-panel button");
    if (!menu.contains(event.target) || chosen) menu.open = false;
  }
});

document.addEventListener("focusin", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});

// Distance to the edges of the window, in pixels.
const MARGIN = 8;

// The top and bottom of what is seen of the page around `element`: the window without the bars, inside what scrolls.
function visibleRange(element) {
  const { scrollPaddingTop, scrollPaddingBottom } = getComputedStyle(document.documentElement);
  let top = parseFloat(scrollPaddingTop) || 0;
  let bottom = window.innerHeight - (parseFloat(scrollPaddingBottom) || 0);
  for (let outer = element.parentElement; outer && outer !== document.body; outer = outer.parentElement) {
    if (getComputedStyle(outer).overflowY === "visible") continue;
    const box = outer.getBoundingClientRect();
    [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
  }
  return { top, bottom };
}

// Opens a menu upwards where there is more room, and moves one that would reach over the left or right edge.
function fitInto(panel) {
  panel.style.translate = "";
  panel.classList.remove("menu-up");
  const { left, right, bottom } = panel.getBoundingClientRect();
  const opener = panel.parentElement.getBoundingClientRect();
  const visible = visibleRange(panel.parentElement);
  const isUp = bottom > visible.bottom && opener.top - visible.top > visible.bottom - opener.bottom;
  panel.classList.toggle("menu-up", isUp);
  const space = document.documentElement.clientWidth - MARGIN;
  const shift = left < MARGIN ? MARGIN - left : Math.min(space - right, 0);
  if (shift) panel.style.translate = `${shift}px`;
}

// `toggle` does not bubble.
document.addEventListener(
  "toggle",
  ({ target }) => {
    const panel = target.matches?.("details[data-menu][open]") && target.querySelector(".menu-panel");
    if (panel) fitInto(panel);
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details[data-menu]") ?? openMenus()[0];
  if (!menu) return;
  if (event.key === "Escape" && menu.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.preventDefault();
  }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  if (!menu.contains(document.activeElement)) return;
  event.preventDefault();
  menu.open = true;
  const items = [...menu.querySelectorAll(".menu-panel a, .menu-panel button")];
  const step = event.key === "ArrowDown" ? 1 : -1;
  const index = items.indexOf(document.activeElement);
  items[index < 0 ? (step > 0 ? 0 : items.length - 1) : (index + step + items.length) % items.length]?.focus();
});
