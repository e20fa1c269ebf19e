// Groups the entries of a conversation by the reader's days; the server has grouped them by its own.
import { dayInWords, dayOf } from "../../theme/js/times.js";
import { cloneTemplate } from "./translations.js";

/** Sets the reader's day on the entry `element`; returns the day. */
export function setDay(element) {
  if (element.dataset.at) element.dataset.day = dayOf(new Date(element.dataset.at));
  return element.dataset.day;
}

/** The heading of `day`, made of `element` where there is one; null where the page has no template for it. */
export function dayElement(day, element = cloneTemplate("day-line")) {
  if (!element || element.dataset.day === day) return element;
  const time = element.querySelector("time");
  element.dataset.day = day;
  time.dateTime = day;
  time.textContent = dayInWords(day);
  return element;
}

/** Puts each entry of `list` under its day, with one heading for each day. */
export function groupByDay(list) {
  let shown = null;
  let before = null;
  for (const element of [...list.children]) {
    if (element.matches(".day")) {
      before?.remove();
      before = element;
    } else if (element.dataset.at) {
      const day = setDay(element);
      if (day === shown) before?.remove();
      else {
        if (before) dayElement(day, before);
        else insert(dayElement(day), element);
        element.classList.remove("entry-follows");
      }
      shown = day;
      before = null;
    }
  }
}

// What is new today begins under today.
function insert(dayDivider, element) {
  const divider = element.previousElementSibling?.matches("[data-divider]") ? element.previousElementSibling : element;
  if (dayDivider) divider.before(dayDivider);
}
