// The engine that asks the server. Another one, which runs models in the browser itself, has the same methods.

const KEY = "zoo-token";
const RAW = "application/octet-stream";

/** The token: given in the part of the address that is never sent, then kept for this tab and taken out of sight. */
function takeToken() {
  const match = /^#token=([^&]+)(.*)$/.exec(location.hash);
  if (match) {
    sessionStorage.setItem(KEY, match[1]);
    history.replaceState(null, "", `#${match[2].replace(/^&?/, "") || "/"}`);
  }
  return sessionStorage.getItem(KEY) ?? "";
}

function bytesOf(base64) {
  return new Float32Array(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)).buffer);
}

async function picturesOf(answer) {
  const [n, h, w, c] = answer.headers.get("x-shape").split(",").map(Number);
  return { data: new Uint8Array(await answer.arrayBuffer()), n, h, w, c };
}

/** Numbers as nested lists of a shape. */
function nested(numbers, shape) {
  if (shape.length < 2) return numbers;
  const step = numbers.length / shape[0];
  return Array.from({ length: shape[0] }, (_, k) => nested(numbers.slice(k * step, (k + 1) * step), shape.slice(1)));
}

export class Engine {
  constructor() {
    this.admit();
    this.shapes = new Map();
    /** What each model is told, and in how many steps it denoises. */
    this.told = new Map();
    this.onlost = () => {};
    this.onback = () => {};
    this.lost = false;
    this.base = new URL(".", document.baseURI);
  }

  /** Take the token from the address; whether it held one. */
  admit() {
    const held = location.hash.startsWith("#token=");
    this.token = takeToken();
    return held;
  }

  /** What a model is told, for the query of a request. */
  said(id, steps = true) {
    const told = this.told.get(id) ?? { set: {} };
    const query = new URLSearchParams(Object.entries(told.set).map(([name, value]) => ["set", `${name}=${value}`]));
    if (steps && told.steps) query.set("steps", told.steps);
    return query;
  }

  async ask(path, { body = null, type = "", accept = "application/json", lane = "", signal = null } = {}) {
    const headers = { authorization: `Bearer ${this.token}`, accept };
    if (type) headers["content-type"] = type;
    if (lane) headers["x-lane"] = lane;
    let answer;
    try {
      answer = await fetch(new URL(path, this.base), { method: body === null ? "GET" : "POST", headers, body, signal });
    } catch (error) {
      if (error.name !== "AbortError") this.wait();
      throw error.name === "AbortError" ? error : new Error("The server does not answer.");
    }
    if (answer.ok) return answer;
    const reason = await answer.json().then((value) => value.error, () => answer.statusText);
    if (answer.status === 503) {
      await new Promise((done) => setTimeout(done, 1000));
      if (!signal?.aborted) return this.ask(path, { body, type, accept, lane, signal });
    }
    throw Object.assign(new Error(reason), { status: answer.status });
  }

  /** Say that the server is gone, and look until it is back. */
  async wait() {
    if (this.lost) return;
    this.lost = true;
    this.onlost();
    for (;;) {
      await new Promise((done) => setTimeout(done, 1500));
      try {
        if ((await fetch(new URL("health", this.base))).ok) break;
      } catch {
        continue;
      }
    }
    this.lost = false;
    this.onback();
  }

  models = async () => (await this.ask("models")).json();
  async model(id) {
    const found = await (await this.ask(`models/${id}`)).json();
    this.shapes.set(id, found.interface.latent?.shape.map((length) => length ?? 1) ?? []);
    return found;
  }

  picture = async (id) => (await this.ask(`models/${id}/picture`)).blob();
  sample = async (id) => (await this.ask(`models/${id}/sample`)).blob();
  points = async (id) => (await this.ask(`models/${id}/points`)).json();

  async space(id) {
    const found = await (await this.ask(`models/${id}/space`)).json();
    return { ...found, center: bytesOf(found.center), axes: bytesOf(found.axes), vectors: bytesOf(found.vectors) };
  }

  /** A picture's file to the model's answer: {blob, notes}. */
  async translate(id, blob, { strength = 1, candidate = 0, fromPhoto = false, format = "", ...how } = {}) {
    const query = new URLSearchParams({ strength, candidate, format });
    if (fromPhoto) query.set("from_photo", "1");
    for (const [name, value] of this.said(id, false)) query.append(name, value);
    const answer = await this.ask(`run/${id}?${query}`, { body: blob, type: RAW, accept: "image/*", ...how });
    const notes = answer.headers.get("x-notes");
    return { blob: await answer.blob(), notes: notes ? JSON.parse(decodeURIComponent(notes)) : [] };
  }

  /** A picture's file to its latent, which knows its `shape`. */
  async encode(id, blob, how = {}) {
    const answer = await this.ask(`encode/${id}?${this.said(id, false)}`, { body: blob, type: RAW, accept: RAW, ...how });
    const [, ...shape] = answer.headers.get("x-shape").split(",").map(Number);
    return Object.assign(new Float32Array(await answer.arrayBuffer()), { shape });
  }

  /** Latents one after another to pictures {data, n, h, w, c}; `shape` is that of each where the model leaves it free. */
  async decode(id, latents, { shape = null, ...how } = {}) {
    const query = this.said(id);
    if (shape) query.set("shape", shape);
    const answer = await this.ask(`decode/${id}?${query}`, { body: latents, type: RAW, accept: RAW, ...how });
    return picturesOf(answer);
  }

  /** Pictures like one: its latent with noise added, decoded. */
  async vary(id, latent, { strength, n, seed, shape = null, ...how }) {
    const of = { latent: nested([...latent], shape ?? this.shapes.get(id)) };
    const body = JSON.stringify({ of, strength, n, seed });
    const answer = await this.ask(`vary/${id}?${this.said(id, false)}`, { body, type: "application/json", accept: RAW, ...how });
    return picturesOf(answer);
  }

  /** `n` latents of a seed, one after another. */
  async draw(id, n, seed, how = {}) {
    const body = JSON.stringify({ n, seed });
    const answer = await this.ask(`draw/${id}`, { body, type: "application/json", accept: RAW, ...how });
    return new Float32Array(await answer.arrayBuffer());
  }
}
