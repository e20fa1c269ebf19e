// Times in the reader's time zone. The server renders them in its own zone, which it names, so that its fragments are the same
// for all readers and can be cached.
const TIMES = "time[data-clock], time[data-ago]";

const language = document.documentElement.lang || undefined;
const twoDigits = (number) => String(number).padStart(2, "0");

const parts = (date, shown) => {
  const format = new Intl.DateTimeFormat(language, shown);
  return Object.fromEntries(format.formatToParts(date).map(({ type, value }) => [type, value]));
};

/** "2026-11-28", in the reader's time zone. */
export const dayOf = (date) => `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`;

/** "23:05", in the reader's time zone. */
export const clockOf = (date) => `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;

/** "Saturday, 28 November 2026" for "2026-11-28", as the server writes it. */
export function dayInWords(day) {
  const { weekday, day: number, month, year } = parts(new Date(day), {
    weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC",
  });
  return `${weekday}, ${number} ${month} ${year}`;
}

/** "28 November 2026"; with `month` "short" it is "28 Nov" in the current year and "28 Nov 2025" in others. */
function dateInWords(date, month = "long") {
  const named = parts(date, { day: "numeric", month, year: "numeric" });
  const isThisYear = date.getFullYear() === new Date().getFullYear();
  const year = month === "short" && isThisYear ? "" : ` ${named.year}`;
  return `${named.day} ${named.month}${year}`;
}

function localizeTime(element) {
  const date = new Date(element.dateTime);
  if (Number.isNaN(date.getTime())) return;
  element.title = `${dateInWords(date)}, ${clockOf(date)}`;
  if (element.dataset.clock !== undefined) element.textContent = clockOf(date);
  // A relative time is the same in all zones; a date is not.
  else if (element.dataset.ago === "date") element.textContent = dateInWords(date, "short");
}

function localizeTimes(root) {
  if (root.matches?.(TIMES)) localizeTime(root);
  for (const element of root.querySelectorAll?.(TIMES) ?? []) localizeTime(element);
}

// Also elements that htmx, the socket or a script adds.
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) addedNodes.forEach((node) => node instanceof Element && localizeTimes(node));
}).observe(document.documentElement, { childList: true, subtree: true });
localizeTimes(document);
