// What has been written and not yet sent, kept by this browser (IndexedDB) for one member. What the browser refuses to
// keep, or cannot, stays in this page's memory.

const SENDS = "sends";

const unkept = new Map();
let opening = null;
let name = "";

/** Use what is kept for `member`. */
export function open(member) {
  name = `linkup-outbox-${member}`;
}

function database() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(SENDS, { keyPath: "order", autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  }).catch(() => null);
  return opening;
}

/** Lets the database go, so that the browser may keep the page for "back". */
export async function close() {
  const opened = await opening;
  opening = null;
  opened?.close();
}

async function run(mode, ask) {
  const opened = await database();
  if (!opened) return undefined;
  return new Promise((resolve, reject) => {
    const transaction = opened.transaction(SENDS, mode);
    const request = ask(transaction.objectStore(SENDS));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

/** Keeps `item` behind all others; resolves when it is kept. */
export async function add(item) {
  const order = await run("readwrite", (sends) => sends.add(item)).catch(() => undefined);
  if (order === undefined) unkept.set(item.client_id, { ...item, order: Number.MAX_SAFE_INTEGER });
}

/** Everything kept, in the order in which it was written. */
export async function all() {
  const kept = (await run("readonly", (sends) => sends.getAll()).catch(() => undefined)) ?? [];
  return [...kept, ...unkept.values()];
}

/** Changes what is kept of `item`; nothing where it is not kept any more. */
export async function change(item, values) {
  if (unkept.has(item.client_id)) unkept.set(item.client_id, { ...unkept.get(item.client_id), ...values });
  const kept = (await all()).find((other) => other.client_id === item.client_id);
  if (kept && !unkept.has(item.client_id)) {
    await run("readwrite", (sends) => sends.put({ ...kept, ...values })).catch(() => undefined);
  }
}

/** Forgets the item with this client id; resolves to whether there was one. */
export async function remove(clientId) {
  if (unkept.delete(clientId)) return true;
  const kept = (await all()).find((item) => item.client_id === clientId);
  if (kept) await run("readwrite", (sends) => sends.delete(kept.order)).catch(() => undefined);
  return Boolean(kept);
}

/** Forgets everything. */
export async function clear() {
  unkept.clear();
  await run("readwrite", (sends) => sends.clear()).catch(() => undefined);
}
