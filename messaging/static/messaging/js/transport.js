// How the scripts of conversations ask the server, and what its answers mean.

import { parseHtml } from "./html.js";

export { renewToken } from "../../theme/js/session.js";

// A request that hangs is given up, so that what waits behind it goes on. An upload may take its time as long as it moves:
// so long it may stand still (milliseconds). The client id makes one that arrived all the same count once.
const STANDSTILL = 30_000;
// What is only asked for is asked again.
const PATIENCE = 15_000;

/** The page's token against forged requests. The cookie cannot be read (CSRF_COOKIE_HTTPONLY). */
const token = () => document.querySelector("input[name='csrfmiddlewaretoken']")?.value ?? "";

/**
 * Sends `fields` (pairs) by POST; resolves, never rejects, to {status, body, redirected, retryAfter}: status 0 when the
 * network failed or nothing moved for STANDSTILL, body null when it is not JSON. `progress(share)` receives how much of it
 * is on its way.
 */
export function post(url, fields, { signal, progress } = {}) {
  const form = new FormData();
  // A form without any field is none (RFC 7578).
  form.append("csrfmiddlewaretoken", token());
  for (const [name, value, filename] of fields) {
    if (filename === undefined) form.append(name, value);
    else form.append(name, value, filename);
  }
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-Requested-With", "fetch");
    request.setRequestHeader("X-CSRFToken", token());
    // The session may be another member's by now: the server refuses what this page's member did not send.
    request.setRequestHeader("X-Member", document.body.dataset.member);
    const stop = () => request.abort();
    let patience = setTimeout(stop, STANDSTILL);
    const moved = () => {
      clearTimeout(patience);
      patience = setTimeout(stop, STANDSTILL);
    };
    request.onprogress = moved;
    request.upload.onprogress = ({ loaded, total }) => {
      moved();
      if (progress && total) progress(loaded / total);
    };
    signal?.addEventListener("abort", stop);
    request.onloadend = () => {
      clearTimeout(patience);
      signal?.removeEventListener("abort", stop);
      resolve(answerOf(request, url));
    };
    request.send(form);
  });
}

function answerOf(request, url) {
  const asked = new URL(url, location.href).href;
  return {
    status: request.status,
    body: parsed(request.responseText),
    redirected: Boolean(request.responseURL) && request.responseURL !== asked,
    retryAfter: seconds(request.getResponseHeader("Retry-After")),
  };
}

/** What `read(answer)` makes of the answer to a GET; null where it is not all there within PATIENCE. */
async function ask(url, options, read) {
  const giveUp = new AbortController();
  const patience = setTimeout(() => giveUp.abort(), PATIENCE);
  try {
    return await read(await fetch(url, { ...options, cache: "no-store", signal: giveUp.signal }));
  } catch {
    return null;
  } finally {
    clearTimeout(patience);
  }
}

/** Asks for JSON by GET; resolves, never rejects, to the same as `post`. */
export async function get(url) {
  const headers = { Accept: "application/json", "X-Requested-With": "fetch" };
  const answer = await ask(url, { headers, redirect: "manual" }, async (answer) => {
    const redirected = answer.type === "opaqueredirect";
    const body = redirected ? null : parsed(await answer.text());
    return { status: answer.status, body, redirected, retryAfter: seconds(answer.headers.get("Retry-After")) };
  });
  return answer ?? { status: 0, body: null, redirected: false, retryAfter: 0 };
}

/** The elements of the part of a page at `url`; null when it is not to be had. */
export function parts(url) {
  const read = async (answer) => (answer.ok ? parseHtml(await answer.text()) : null);
  return ask(url, { headers: { "X-Requested-With": "fetch" }, redirect: "manual" }, read);
}

/** The page at `url` as a document; null when it is not to be had. */
export function page(url) {
  const read = async (answer) => (answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null);
  return ask(url, { headers: { Accept: "text/html" } }, read);
}

function parsed(text) {
  try {
    const body = JSON.parse(text);
    return typeof body === "object" ? body : null;
  } catch {
    return null;
  }
}

// Seconds, or a date (RFC 9110 10.2.3).
function seconds(value) {
  if (!value) return 0;
  const wait = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return wait > 0 ? Math.min(wait, 600) : 0;
}
