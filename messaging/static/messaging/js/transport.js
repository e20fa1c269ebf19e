// How the scripts of conversations ask the server, and what its answers mean.

import { parse } from "./talk.js";

const member = document.body.dataset.member;

const tokens = (root) => root.querySelectorAll("input[name='csrfmiddlewaretoken']");

/** The page's token against forged requests. The cookie cannot be read (CSRF_COOKIE_HTTPONLY). */
const token = () => tokens(document)[0]?.value ?? "";

/**
 * Sends `fields` (pairs) by POST; resolves, never rejects, to {status, body, redirected, retryAfter}: status 0 when the
 * network failed, body null when it is not JSON. `progress(share)` is told how much of it is on its way.
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
    if (progress) request.upload.onprogress = ({ loaded, total }) => total && progress(loaded / total);
    const stop = () => request.abort();
    signal?.addEventListener("abort", stop);
    request.onloadend = () => {
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

/** Asks for JSON by GET; resolves, never rejects, to the same as `post`. */
export async function get(url) {
  try {
    const headers = { Accept: "application/json", "X-Requested-With": "fetch" };
    const answer = await fetch(url, { headers, redirect: "manual", cache: "no-store" });
    const redirected = answer.type === "opaqueredirect";
    const body = redirected ? null : parsed(await answer.text());
    return { status: answer.status, body, redirected, retryAfter: seconds(answer.headers.get("Retry-After")) };
  } catch {
    return { status: 0, body: null, redirected: false, retryAfter: 0 };
  }
}

/** The elements of the part of a page at `url`; null when it is not to be had. */
export async function parts(url) {
  try {
    const answer = await fetch(url, { headers: { "X-Requested-With": "fetch" }, redirect: "manual", cache: "no-store" });
    return answer.ok ? parse(await answer.text()) : null;
  } catch {
    return null;
  }
}

/** The page at `url` as a document; null when it is not to be had. */
export async function page(url) {
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-store" });
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  } catch {
    return null;
  }
}

/**
 * Fetches the token anew, after a 403 that may mean that it has grown old. Resolves to "fresh", "same" (it was not the
 * reason), "signed-out" (nobody, or somebody else, is signed in by now) or "unknown".
 */
export async function renewToken() {
  const fetched = await page(location.href);
  if (!fetched) return "unknown";
  if (fetched.body.dataset.member !== member) return "signed-out";
  const fresh = tokens(fetched)[0]?.value;
  if (!fresh) return "unknown";
  for (const input of tokens(document)) input.value = fresh;
  document.body.setAttribute("hx-headers", JSON.stringify({ "x-csrftoken": fresh }));
  return "fresh";
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
