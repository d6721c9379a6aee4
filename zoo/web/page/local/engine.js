// The engine that runs models in this browser, for static sites: the same methods as the one that asks a server.

import { h, say } from "../dom.js";
import { fetched } from "./files.js";
import { keep, through } from "./offline.js";

const site = new URL("../../", import.meta.url);
await through();
const json = async (path) => {
  const answer = await fetched(new URL(path, site));
  if (!answer.ok) throw new Error(`${path} is not there (${answer.status}).`);
  return answer.json();
};
const floats = (base64) => new Float32Array(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)).buffer);

export class Engine {
  constructor() {
    this.told = new Map();
    this.place = "this device";
    this.tracesPhotos = false;
    this.waiting = new Map();
    this.calls = 0;
    this.about = new Map();
    this.loaded = new Map();
  }

  admit = () => false;

  get worker() {
    if (this.running) return this.running;
    this.running = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.running.addEventListener("message", ({ data }) => this.#heard(data));
    this.running.addEventListener("error", (event) => {
      for (const { fail } of this.waiting.values()) fail(new Error(event.message || "The model's worker has stopped."));
      this.waiting.clear();
      this.running?.terminate(); // the next call starts another
      this.running = null;
    });
    return this.running;
  }

  #heard({ call, value, error, stale, id, bytes }) {
    if (bytes) return this.#progress(id, bytes);
    const waits = this.waiting.get(call);
    if (!waits) return;
    this.waiting.delete(call);
    if (stale) waits.fail(Object.assign(new Error("A newer request took the place of this one."), { status: 409 }));
    else if (error) waits.fail(new Error(error));
    else waits.done(value);
  }

  /** Say how much of a model has come. */
  #progress(id, bytes) {
    const now = (this.loaded.get(id) ?? 0) + bytes;
    this.loaded.set(id, now);
    const whole = this.about.get(id)?.bytes ?? now;
    const share = Math.min(1, now / whole);
    let bar = document.querySelector(".loading");
    if (!bar) {
      bar = h("div", { class: "loading", role: "progressbar", "aria-label": "The model is loading" });
      document.body.append(bar);
    }
    bar.style.setProperty("--share", share);
    bar.setAttribute("aria-valuenow", Math.round(100 * share));
    if (share === 1) {
      bar.remove();
      say("The model is loaded.");
    }
  }

  #ask(name, id, given, { lane = "", signal = null } = {}) {
    const call = ++this.calls;
    return new Promise((done, fail) => {
      signal?.addEventListener("abort", () => {
        this.waiting.delete(call);
        fail(new DOMException("aborted", "AbortError"));
      });
      this.waiting.set(call, { done, fail });
      this.worker.postMessage({ call, name, about: this.about.get(id), given, told: this.told.get(id), lane });
    });
  }

  models = () => json("models.json");
  async model(id) {
    const found = await json(`models/${id}/about.json`);
    this.about.set(id, found);
    keep(id);
    return found;
  }
  async picture(id) {
    return (await fetched(new URL(`models/${id}/picture.jpg`, site))).blob();
  }
  async sample(id) {
    return (await fetched(new URL(`models/${id}/${this.about.get(id).sample}`, site))).blob();
  }
  points = (id) => json(`models/${id}/points.json`);
  async space(id) {
    const found = await json(`models/${id}/space.json`);
    return { ...found, center: floats(found.center), axes: floats(found.axes), vectors: floats(found.vectors) };
  }

  async translate(id, blob, { lane, signal, fromPhoto, ...how } = {}) {
    if (fromPhoto) throw new Error("This page draws no lines of photos: zoo run does, with --from-photo.");
    return { blob: await this.#ask("translate", id, { blob, ...how }, { lane, signal }), notes: [] };
  }
  async encode(id, blob, how) {
    const { latent, shape } = await this.#ask("encode", id, { blob }, how);
    return Object.assign(latent, { shape });
  }
  decode = (id, latents, { shape, ...how } = {}) => this.#ask("decode", id, { latents, shape }, how);
  draw = (id, n, seed, how) => this.#ask("draw", id, { n, seed }, how);
  vary = (id, latent, { strength, n, seed, shape, ...how }) => this.#ask("vary", id, { latent, strength, n, seed, shape }, how);
}
