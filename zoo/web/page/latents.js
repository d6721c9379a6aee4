// Latents as the zoo computes with them (zoo.inference.latents): the same arithmetic, in double precision.

const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const SAME_DIRECTION = 1e-7;

/** The point on the straight line from a (t = 0) to b (t = 1). */
export const linear = (a, b, t) => Float32Array.from(a, (x, i) => (1 - t) * x + t * b[i]);

/** The point on the arc from a to b: the direction turns evenly, and the length goes from one's to the other's. */
export function slerp(a, b, t) {
  if (t === 0 || t === 1) return Float32Array.from(t ? b : a);
  const lengths = [a, b].map((z) => Math.sqrt(dot(z, z)));
  if (Math.min(...lengths) === 0 || a.length === 1) return linear(a, b, t);
  const start = Float64Array.from(a, (x) => x / lengths[0]);
  const end = Float64Array.from(b, (x) => x / lengths[1]);
  const side = across(start, end);
  const turn = t * Math.atan2(dot(end, side), dot(end, start));
  const length = (1 - t) * lengths[0] + t * lengths[1];
  return Float32Array.from(start, (x, i) => length * (Math.cos(turn) * x + Math.sin(turn) * side[i]));
}

function across(start, end) {
  const shared = dot(end, start);
  let side = end.map((x, i) => x - shared * start[i]);
  if (Math.sqrt(dot(side, side)) < SAME_DIRECTION) {
    let axis = 0;
    start.forEach((x, i) => (axis = Math.abs(x) < Math.abs(start[axis]) ? i : axis));
    side = start.map((x, i) => (i === axis ? 1 : 0) - start[axis] * x);
  }
  const length = Math.sqrt(dot(side, side));
  return side.map((x) => x / length);
}

/** The sum of two latents, scaled back to the prior's variance. */
export function add(a, b, weights) {
  const scale = Math.hypot(...weights) || 1;
  return Float32Array.from(a, (x, i) => (weights[0] / scale) * x + (weights[1] / scale) * b[i]);
}

/** A latent moved along directions: z + sum of steps[k] * directions[k]. */
export function moved(z, directions, steps) {
  const out = Float64Array.from(z);
  directions.forEach((direction, k) => {
    if (steps[k]) for (let i = 0; i < out.length; i++) out[i] += steps[k] * direction[i];
  });
  return Float32Array.from(out);
}

/** Several latents one after another. */
export function joined(latents) {
  const out = new Float32Array(latents.reduce((sum, z) => sum + z.length, 0));
  let at = 0;
  for (const z of latents) {
    out.set(z, at);
    at += z.length;
  }
  return out;
}

/** Rows of `size` numbers of an array. */
export const rows = (data, size) =>
  Array.from({ length: data.length / size }, (_, k) => data.subarray(k * size, (k + 1) * size));
