// Set-up of elements, also of those that htmx adds later.

/** Calls `setUp` once for each element that matches, now and whenever htmx adds elements. */
export function setUpEach(selector, setUp) {
  const done = new WeakSet();
  const scan = (root) => {
    const found = [...root.querySelectorAll(selector)];
    if (root.matches?.(selector)) found.push(root);
    for (const element of found) {
      if (done.has(element)) continue;
      done.add(element);
      setUp(element);
    }
  };
  scan(document);
  document.addEventListener("htmx:load", (event) => scan(event.detail.elt));
}
