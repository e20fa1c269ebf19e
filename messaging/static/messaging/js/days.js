// The lines of a conversation under the days of the reader; the server has put them under its own.
import { dayInWords, dayOf } from "../../theme/js/times.js";
import { shape } from "./words.js";

/** Gives the line `element` the reader's day, and returns it. */
export function setDay(element) {
  if (element.dataset.at) element.dataset.day = dayOf(new Date(element.dataset.at));
  return element.dataset.day;
}

/** The line that says `day`, made of `line` where there is one; null where the page has no shape for it. */
export function dayLine(day, line = shape("day-line")) {
  if (!line || line.dataset.day === day) return line;
  const time = line.querySelector("time");
  line.dataset.day = day;
  time.dateTime = day;
  time.textContent = dayInWords(day);
  return line;
}

/** Puts each line of `list` under its day, with one line for each day. */
export function regroup(list) {
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
        if (before) dayLine(day, before);
        else insert(dayLine(day), element);
        element.classList.remove("entry-follows");
      }
      shown = day;
      before = null;
    }
  }
}

// What is new today begins under today.
function insert(line, element) {
  const divider = element.previousElementSibling?.matches("[data-divider]") ? element.previousElementSibling : element;
  if (line) divider.before(line);
}
