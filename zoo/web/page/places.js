// Places in the latent space: drawn by a seed, or encoded from a picture's file.

import { joined, rows } from "./latents.js";

/** How many numbers a latent has. */
export const sizeOf = (model) => model.interface.latent.shape.reduce((product, length) => product * (length ?? 1), 1);

/** The longer side of the pictures that a model decodes; 64 where it is free. */
export function sideOf(model) {
  const [, height, width] = model.interface.roles.decode.outputs[0].shape;
  return Math.max(height ?? 64, width ?? 64);
}

/** The first draws of a seed as places. */
export async function drawn(engine, model, n, seed, how = {}) {
  const data = await engine.draw(model.id, n, seed, how);
  return rows(data, data.length / n).map((z, draw) => ({ z, seed, draw }));
}

/** The place of a picture's file. */
export async function encoded(engine, model, file) {
  const z = await engine.encode(model.id, file);
  const free = model.interface.latent.shape.includes(null);
  return { z, file: file.name || "picture.png", shape: free ? z.shape : null };
}

/** Decode places, some at a time; `each` is given the pictures, the index among them, and which place it is. */
export async function decodeAll(engine, model, latents, each, how = {}) {
  const step = Math.max(1, Math.min(16, Math.floor(2 ** 18 / sideOf(model) ** 2)));
  for (let start = 0; start < latents.length; start += step) {
    const some = latents.slice(start, start + step);
    const pictures = await engine.decode(model.id, joined(some), how);
    some.forEach((_, i) => each(pictures, i, start + i));
    if (how.signal?.aborted) return;
  }
}

/** Some seed, small enough to be remembered. */
export const anySeed = () => Math.floor(Math.random() * 10000);
