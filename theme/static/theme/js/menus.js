// <details data-menu>: Escape and a click outside close it; arrow keys move through its items.

const openMenus = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("click", (event) => {
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
