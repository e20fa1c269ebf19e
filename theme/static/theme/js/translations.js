// The texts of scripts, which the page translates (theme/_confirm.html).

/** The text named `key`, with each {name} in it replaced from `values`. */
export function translate(key, values = {}) {
  const text = document.getElementById("words")?.dataset[key] ?? "";
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
