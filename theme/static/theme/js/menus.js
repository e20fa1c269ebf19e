// <details data-menu>: Escape and a click outside close it; arrow keys move through its items.
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
