// Counters of remaining characters: shown near the limit, and announced to screen readers only close to it.
import { setUpEach } from "./elements.js";
import { translate } from "./translations.js";

setUpEach("textarea[maxlength]", (area) => {
  const limit = area.maxLength;
  const head = area.closest(".field")?.querySelector(".field-head");
  const counter = document.createElement("span");
  counter.className = "counter";
  if (head) head.append(counter);
  else area.after(counter);
  const update = () => {
    const left = limit - area.value.length;
    const near = left <= Math.max(20, limit / 10);
    counter.hidden = !near && (!head || (limit > 1000 && left > limit / 4));
    counter.textContent = near ? translate("left", { n: left }) : `${area.value.length} / ${limit}`;
    counter.toggleAttribute("data-near", left <= 20);
    if (near) counter.setAttribute("role", "status");
    else counter.removeAttribute("role");
  };
  area.addEventListener("input", update);
  area.form?.addEventListener("reset", () => setTimeout(update));
  update();
});
