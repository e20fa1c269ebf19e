// HTML that the server rendered, on its way into the page.

/** The elements of `html`, not yet in the page. */
export function parseHtml(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  return [...box.content.children];
}

/** Sets up elements that have come into the page, as htmx and the page's scripts do for the rest. */
export function activate(...elements) {
  for (const element of elements) {
    window.htmx?.process(element);
    element.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true, detail: { elt: element } }));
  }
}
