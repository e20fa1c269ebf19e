// The words and shapes that the scripts of conversations use, translated by the page (messaging/_scripts.html).

const source = () => document.getElementById("messaging-words")?.dataset ?? {};
const rules = new Intl.PluralRules(document.documentElement.lang || "en");

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** The words named `key`, with {name} places filled from `values`. */
export function words(key, values = {}) {
  return fill(source()[key] ?? "", values);
}

/** The same for a number: `newestOne`, `newestFew`, … `newestMany`, as the language asks for. */
export function counted(key, count) {
  const form = rules.select(count);
  const named = source()[key + form[0].toUpperCase() + form.slice(1)];
  return fill(named ?? source()[`${key}Many`] ?? "", { count });
}

/** A copy of the element in `<template id>`; null where the page has none. */
export function cloneTemplate(id) {
  return document.getElementById(id)?.content.firstElementChild?.cloneNode(true) ?? null;
}
