// One tab at a time: the Web Locks API, or where a browser has none (or the site no TLS) a lease in localStorage. Two
// tabs that send at once in spite of it do no harm: the server knows the client id.

const LEASE = 6000;
const me = Math.random().toString(36).slice(2);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs `work()` while no other tab holds `name`; an AbortError when `signal` stops the waiting. */
export function alone(name, signal, work) {
  if (navigator.locks) return navigator.locks.request(name, { signal }, work);
  return underLease(`lease:${name}`, signal, work);
}

async function underLease(key, signal, work) {
  while (!(await taken(key))) {
    if (signal.aborted) throw new DOMException("left", "AbortError");
    await pause(1000);
  }
  const renewal = setInterval(() => write(key), LEASE / 3);
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    try { localStorage.removeItem(key); } catch { /* refused: nothing was written either */ }
  }
}

async function taken(key) {
  const held = read(key);
  if (held && held.by !== me && held.until > Date.now()) return false;
  write(key);
  // Another tab may have written at the same moment: the last one to write has the lock.
  await pause(30 + Math.random() * 50);
  return (read(key)?.by ?? me) === me;
}

function read(key) {
  try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
}

function write(key) {
  try { localStorage.setItem(key, JSON.stringify({ by: me, until: Date.now() + LEASE })); } catch { /* refused */ }
}
