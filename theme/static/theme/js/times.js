// Moments on the reader's clock and in the reader's day. The server writes them in its own zone, which it names; what it sends
// is the same for all readers, so that it can be remembered.
const MOMENTS = "time[data-clock], time[data-ago]";

const language = document.documentElement.lang || undefined;
const two = (number) => String(number).padStart(2, "0");

const parts = (date, shown) => {
  const format = new Intl.DateTimeFormat(language, shown);
  return Object.fromEntries(format.formatToParts(date).map(({ type, value }) => [type, value]));
};

/** "2026-11-28", where the reader is. */
export const dayOf = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;

/** "23:05", where the reader is. */
export const clockOf = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;

/** "Saturday, 28 November 2026" for "2026-11-28", as the server writes it. */
export function dayInWords(day) {
  const { weekday, day: number, month, year } = parts(new Date(day), {
    weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC",
  });
  return `${weekday}, ${number} ${month} ${year}`;
}

/** "28 November 2026", or "28 Nov" with `month` "short" and no year where it is this one. */
function dateInWords(date, month = "long") {
  const named = parts(date, { day: "numeric", month, year: "numeric" });
  const isThisYear = date.getFullYear() === new Date().getFullYear();
  return `${named.day} ${named.month}${month === "short" && isThisYear ? "" : ` ${named.year}`}`;
}

function show(element) {
  const date = new Date(element.dateTime);
  if (Number.isNaN(date.getTime())) return;
  element.title = `${dateInWords(date)}, ${clockOf(date)}`;
  if (element.dataset.clock !== undefined) element.textContent = clockOf(date);
  // How long ago something was is the same everywhere; its date is not.
  else if (element.dataset.ago === "date") element.textContent = dateInWords(date, "short");
}

function look(root) {
  if (root.matches?.(MOMENTS)) show(root);
  for (const element of root.querySelectorAll?.(MOMENTS) ?? []) show(element);
}

// Whoever brings something into the page: htmx, the socket, a script.
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) addedNodes.forEach((node) => node instanceof Element && look(node));
}).observe(document.documentElement, { childList: true, subtree: true });
look(document);
