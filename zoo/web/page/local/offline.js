// A static site without a network: a service worker keeps what was loaded, where the browser has one.

import { h } from "../dom.js";

// The page itself, and what runs models.
const ALWAYS = ["index.html", "page/", "runtime/", "models.json"];
const SECONDS = 3;

/** Ends when the files of the site come through the service worker, or when it is clear that they will not. */
export async function through() {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  try {
    await workers.register(new URL("../../offline.js", import.meta.url));
  } catch {
    return; // a browser that forbids it in this place
  }
  if (workers.controller) return;
  await new Promise((done) => {
    workers.addEventListener("controllerchange", done, { once: true });
    setTimeout(done, 1000 * SECONDS);
  });
}

/** Keep all that a model needs; says so on the page when it is there. */
export function keep(id) {
  const workers = navigator.serviceWorker;
  if (!workers?.controller) return;
  const beginning = `models/${id}/`;
  workers.addEventListener("message", ({ data }) => {
    if (data.kept?.includes(beginning)) document.getElementById("foot").replaceChildren(h("span", { class: "small" }, `${id} works without a network now.`));
  });
  workers.controller.postMessage({ keep: [...ALWAYS, beginning] });
}
