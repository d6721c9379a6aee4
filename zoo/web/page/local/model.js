// A model in the browser: its checkpoint's own files, verified, and its graphs run by ONNX Runtime.

import { joined as concatenated, rows } from "../latents.js";
import { encoded, translate } from "./fits.js";
import { noise, noisePlanes } from "./noise.js";
import { verified } from "./files.js";

const WEIGHTS = "model.safetensors";
const ITEMS = 64;
const PIXELS = 2 ** 20;
const MEASURED = 256;
const APART = 1n << 63n;

export class Model {
  /** `about` is what the page knows of the model, `base` the folder of its files, `ort` ONNX Runtime. */
  constructor(about, base, ort, more) {
    Object.assign(this, { about, base, ort, more });
    this.sessions = new Map();
  }

  async open() {
    const config = JSON.parse(new TextDecoder().decode(await verified(new URL("config.json", this.base), this.about.config, this.more)));
    this.graphs = { ...config.capabilities, sample: config.latent?.sampler, denoise: config.latent?.denoiser };
    this.weights = await verified(new URL(WEIGHTS, this.base), config.weights.sha256, this.more);
    return this;
  }

  session(role) {
    if (!this.sessions.has(role)) this.sessions.set(role, this.#create(role));
    return this.sessions.get(role);
  }

  async #create(role) {
    const { graph, sha256 } = this.graphs[role];
    const bytes = await verified(new URL(graph, this.base), sha256, this.more);
    return this.ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], logSeverityLevel: 3, externalData: [{ path: WEIGHTS, data: this.weights }] });
  }

  /** What the graph of a role answers, the first output: {data, dims}. Inputs are [data, dims]. */
  async run(role, inputs, told) {
    const session = await this.session(role);
    const condition = this.#condition(role, told, inputs[0][1][0]);
    const given = [...inputs, ...(condition ? [condition] : [])];
    const feeds = Object.fromEntries(given.map(([data, dims], i) => [session.inputNames[i], new this.ort.Tensor("float32", data, dims)]));
    const answer = (await session.run(feeds))[session.outputNames[0]];
    const out = { data: answer.data, dims: answer.dims };
    if (!out.data.every(Number.isFinite)) throw new Error(`${this.about.id} gave numbers that are not finite.`);
    return out;
  }

  #condition(role, told, count) {
    const conditions = (this.about.interface.conditions ?? []).filter((one) => one.roles.includes(role));
    if (!conditions.length) return null;
    const row = conditions.flatMap(({ name, labels }) => (labels.length ? labels.map((label) => Number(label === String(told.set[name]))) : [Number(told.set[name])]));
    return [Float32Array.from({ length: count * row.length }, (_, i) => row[i % row.length]), [count, row.length]];
  }

  get shape() {
    return this.about.interface.latent.shape.map((length) => length ?? 1);
  }

  /** Latents of a shape, one after another, to pictures {data, n, h, w, c} of bytes. */
  async decode(latents, told, shape = null) {
    const each = shape ?? this.shape;
    const size = each.reduce((product, length) => product * length, 1);
    const [, height, width] = this.about.interface.roles.decode.outputs[0].shape;
    const step = height ? Math.max(1, Math.min(ITEMS, Math.floor(PIXELS / (height * width)))) : 1;
    const parts = [];
    for (let start = 0; start < latents.length; start += step * size) parts.push(await this.#decodePart(latents.slice(start, start + step * size), each, told));
    const [, c, h, w] = parts[0].dims;
    const n = latents.length / size;
    const data = new Uint8Array(n * h * w * c);
    let item = 0;
    for (const part of parts)
      for (let k = 0; k < part.dims[0]; k++, item++)
        for (let channel = 0; channel < c; channel++)
          for (let i = 0; i < h * w; i++)
            data[(item * h * w + i) * c + channel] = Math.round(255 * Math.min(1, Math.max(0, part.data[(k * c + channel) * h * w + i])));
    return { data, n, h, w, c };
  }

  async #decodePart(latents, shape, told) {
    const dims = [latents.length / shape.reduce((product, length) => product * length, 1), ...shape];
    let now = latents;
    const steps = this.about.interface.latent.repeat > 1 ? told.steps : 0;
    for (let k = 0; k < steps; k++) {
      const way = Float32Array.from({ length: 2 * dims[0] }, (_, i) => 1 - (k + (i % 2)) / steps);
      now = (await this.run("denoise", [[now, dims], [way, [dims[0], 2]]], told)).data;
    }
    return this.run("decode", [[now, dims]], told);
  }

  /** `n` latents of a seed, one after another. */
  async draw(n, seed) {
    const { latent } = this.about.interface;
    const shape = latent.noise ?? this.shape;
    const draws = noise(n * shape.reduce((product, length) => product * length, 1), seed);
    return latent.noise ? (await this.run("sample", [[draws, [n, ...shape]]])).data : draws;
  }

  /** Pictures like one: its latent moved towards others, and decoded (zoo.inference.latents.around). */
  async vary(latent, { strength, n, seed, shape }, told) {
    const { draws, middle } = await this.#othersThan(latent, n, BigInt(seed) ^ APART);
    const kept = 1 - strength ** 2;
    const share = Math.sqrt(1 - kept ** 2);
    const one = (draw) => latent.map((x, i) => middle[i] + kept * (x - middle[i]) + share * (draw[i] - middle[i]));
    return this.decode(concatenated(draws.map(one)), told, shape);
  }

  /** Other latents and the mean of such: of a model without a prior, noise as long as this one. */
  async #othersThan(latent, n, seed) {
    const size = latent.length;
    const nothing = new Float64Array(size);
    if (this.about.interface.latent.noise) {
      const some = rows(await this.draw(MEASURED, 0), size);
      const middle = nothing.map((_, i) => some.reduce((sum, z) => sum + z[i], 0) / MEASURED);
      return { draws: rows(await this.draw(n, seed), size), middle };
    }
    const length = this.about.can.includes("generate") ? 1 : Math.sqrt(latent.reduce((sum, x) => sum + x * x, 0) / size);
    return { draws: rows(noise(n * size, seed), size).map((z) => z.map((x) => x * length)), middle: nothing };
  }

  /** The latent of a picture, and its shape. */
  async encode(image, told) {
    const role = this.about.interface.roles.encode;
    const { data, h, w } = encoded(role.fit.name, image, role.inputs[0]);
    const { data: latent, dims } = await this.run("encode", [[data, [1, role.inputs[0].shape[0], h, w]]], told);
    return { latent, shape: dims.slice(1) };
  }

  /** The model's answer to a picture: RGBA bytes {data, h, w}. */
  async translate(image, { strength = 1, candidate = 0 }, told) {
    const { roles } = this.about.interface;
    const role = roles.translate;
    const planes = candidate ? roles.candidates.inputs[0].shape[0] - role.inputs[0].shape[0] : 0;
    const run = async (data, h, w) => {
      const extra = planes ? noisePlanes(candidate, planes, h, w, 0) : new Float32Array(0);
      const dims = [1, role.inputs[0].shape[0] + planes, h, w];
      const answer = await this.run(planes ? "candidates" : "translate", [[concatenated([data, extra]), dims]], told);
      return { data: answer.data.map((x) => Math.min(1, Math.max(0, x))), c: answer.dims[1], h: answer.dims[2], w: answer.dims[3] };
    };
    return translate(role.fit.name, image, role.inputs[0], run, { strength, scale: role.scale });
  }
}
