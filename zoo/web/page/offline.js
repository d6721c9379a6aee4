// The service worker of a static site: what was loaded once works without a network. Files are kept by their SHA-256,
// and which one a path means is read anew at each visit, so that a new build of the site is never answered with an old.

const LIST = "files.json";
const SECONDS = 4;
const scope = new URL(self.registration.scope);
const storage = caches.open(`zoo ${scope.pathname}`);
const place = (name) => new URL(`kept/${name}`, scope).href; // never asked of the host
const arriving = new Map();
let known = null;

const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** The path below the site that a request means, "" for one that is not of the site. */
function pathOf(url) {
  const { origin, pathname } = new URL(url);
  if (origin !== scope.origin || !pathname.startsWith(scope.pathname)) return "";
  return decodeURIComponent(pathname.slice(scope.pathname.length)) || "index.html";
}

/** The site's files by path, each with its SHA-256: as the host says now, or as it said last. */
async function listed(anew = false) {
  if (known && !anew) return known;
  const store = await storage;
  try {
    const answer = await fetch(new URL(LIST, scope), { cache: "no-store", signal: AbortSignal.timeout(1000 * SECONDS) });
    if (answer.status === 404 || answer.status === 410) return (known = await resign());
    if (answer.ok) {
      const files = await answer.clone().json();
      await store.put(place(LIST), answer);
      known = files;
      await tidy(store, new Set(Object.values(files)));
    }
  } catch {
    // no network, or no list: what was said last holds
  }
  known ??= await store.match(place(LIST)).then((answer) => answer?.json(), () => null);
  return known ?? {};
}

/** Another site has come to this address: nothing of ours stays. */
async function resign() {
  await self.registration.unregister();
  await caches.delete(`zoo ${scope.pathname}`);
  return {};
}

async function tidy(store, wanted) {
  for (const { url } of await store.keys()) {
    const name = url.split("/").pop();
    if (name !== LIST && !wanted.has(name)) await store.delete(url);
  }
}

/** Keep a copy of an answer if it is the file that the list promises; whether it is. */
async function keep(sha256, answer) {
  const bytes = await answer.arrayBuffer();
  if (hex(await crypto.subtle.digest("SHA-256", bytes)) !== sha256) return false;
  const headers = new Headers(answer.headers);
  for (const name of ["content-encoding", "content-length"]) headers.delete(name); // of what was sent, not of what is kept
  await (await storage).put(place(sha256), new Response(bytes, { headers }));
  return true;
}

/** The answer to a path, kept or of the host; then `done` says whether it was kept. */
async function answered(path, request) {
  const sha256 = (await listed())[path];
  if (!sha256) return { answer: await fetch(request), done: null };
  await arriving.get(sha256);
  const kept = await (await storage).match(place(sha256));
  if (kept) return { answer: kept, done: null };
  const answer = await fetch(path === "index.html" ? scope : new URL(path, scope), { cache: "no-cache" });
  if (!answer.ok) return { answer, done: null };
  const done = keep(sha256, answer.clone()).catch(() => false);
  arriving.set(sha256, done);
  done.then(() => arriving.delete(sha256));
  return { answer, done };
}

/** Keep all files whose paths begin in one of these ways; whether they all are kept then. */
async function keepAll(beginnings) {
  const paths = Object.keys(await listed()).filter((path) => beginnings.some((beginning) => path.startsWith(beginning)));
  for (const path of paths) {
    const { done, answer } = await answered(path, new Request(new URL(path, scope)));
    if (done ? !(await done) : !answer.ok) return false;
  }
  return paths.length > 0;
}

addEventListener("install", () => self.skipWaiting());
addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
addEventListener("fetch", (event) => {
  const path = pathOf(event.request.url);
  if (event.request.method !== "GET" || !path || path === LIST) return;
  const ready = event.request.mode === "navigate" ? listed(true) : null;
  const asked = Promise.resolve(ready).then(() => answered(path, event.request));
  event.respondWith(asked.then(({ answer }) => answer, () => Response.error()));
  event.waitUntil(asked.then(({ done }) => done, () => {}));
});
addEventListener("message", (event) => {
  const { keep: beginnings } = event.data;
  const kept = keepAll(beginnings).catch(() => false);
  event.waitUntil(kept.then((whole) => event.source.postMessage({ kept: whole ? beginnings : [] })));
});
