// Pictures of any size brought to what a model takes, and its answer back (zoo.inference.fit).

import { coloured } from "./chroma.js";
import { layDrawing, seenDrawing } from "./drawing.js";
import { resampled, shrunk } from "./resample.js";

const CHROMA_SIDE = 512;
const TILE_SIDE = 512;
const OVERLAP = 1 / 4;

const upTo = (length, multiple) => Math.ceil(length / multiple) * multiple;
const sizeFor = ({ shape: [, h, w], multiple }, H, W) => (h ? [h, w] : [upTo(H, multiple), upTo(W, multiple)]);
/** Planes of bytes with the channels that a model takes. */
const planesOf = (image, channels) => (channels === 1 ? [image.gray] : [0, 1, 2].map((c) => image.rgb.subarray(c * image.h * image.w, (c + 1) * image.h * image.w)));

function joined(planes) {
  const out = new Float32Array(planes.reduce((sum, plane) => sum + plane.length, 0));
  let at = 0;
  for (const plane of planes) {
    out.set(plane, at);
    at += plane.length;
  }
  return out;
}

function small(image, channels, h, w) {
  return joined(planesOf(image, channels).map((data) => shrunk({ data, h: image.h, w: image.w }, h, w)));
}

/** Mirrored at the bottom and the right, without the border itself, up to a size. */
function padded(image, channels, top, left, h, w) {
  const mirror = (at, length) => {
    const period = Math.max(1, 2 * (length - 1));
    const place = at % period;
    return place < length ? place : period - place;
  };
  return joined(
    planesOf(image, channels).map((plane) => {
      const out = new Float32Array(h * w);
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++) out[y * w + x] = plane[mirror(top + y, image.h) * image.w + mirror(left + x, image.w)] / 255;
      return out;
    }),
  );
}

const byte = (x) => Math.round(Math.min(1, Math.max(0, x)) * 255);

/** RGBA bytes (H, W) whose pixels are what `at(channel, y, x)` says, for one channel or three. */
function painted(H, W, channels, at) {
  const out = new Uint8ClampedArray(4 * H * W).fill(255);
  for (let y = 0; y < H; y++)
    for (let x = 0; x < W; x++) for (let c = 0; c < 3; c++) out[4 * (y * W + x) + c] = byte(at(channels === 1 ? 0 : c, y, x));
  return { data: out, h: H, w: W };
}

const FITS = {
  async resize(image, port, run) {
    const [h, w] = sizeFor(port, image.h, image.w);
    const answer = await run(small(image, port.shape[0], h, w), h, w);
    const rows = [];
    resampled(answer.data, answer.h, answer.w, image.h, image.w, (y, planes) => rows.push(planes.map((row) => row.slice())));
    return painted(image.h, image.w, answer.c, (c, y, x) => rows[y][c][x]);
  },

  async pad(image, port, run, { scale = 1 }) {
    const [h, w] = sizeFor(port, image.h, image.w);
    if (image.h > h || image.w > w) throw new Error(`This model takes pictures of at most ${w} x ${h} pixels: make it smaller.`);
    const answer = await run(padded(image, port.shape[0], 0, 0, h, w), h, w);
    return painted(scale * image.h, scale * image.w, answer.c, (c, y, x) => answer.data[(c * answer.h + y) * answer.w + x]);
  },

  async tile(image, port, run, { scale = 1 }) {
    const [, h, w] = port.shape;
    const most = h ? [h, w] : [upTo(TILE_SIDE, port.multiple), upTo(TILE_SIDE, port.multiple)];
    if (image.h <= most[0] && image.w <= most[1]) return FITS.pad(image, port, run, { scale });
    const snug = sizeFor(port, image.h, image.w);
    const tile = most.map((length, k) => Math.min(length, snug[k]));
    const [tops, lefts] = [starts(image.h, tile[0]), starts(image.w, tile[1])];
    const [H, W] = [scale * Math.max(image.h, tile[0]), scale * Math.max(image.w, tile[1])];
    const [vertical, horizontal] = [ramps(tops, tile[0], scale), ramps(lefts, tile[1], scale)];
    let sums = null;
    let channels = 3;
    for (const [i, top] of tops.entries())
      for (const [j, left] of lefts.entries()) {
        const answer = await run(padded(image, port.shape[0], top, left, ...tile), ...tile);
        channels = answer.c;
        sums ??= new Float32Array(channels * H * W);
        for (let c = 0; c < channels; c++)
          for (let y = 0; y < answer.h; y++)
            for (let x = 0; x < answer.w; x++)
              sums[(c * H + scale * top + y) * W + scale * left + x] += vertical[i][y] * horizontal[j][x] * answer.data[(c * answer.h + y) * answer.w + x];
      }
    return painted(scale * image.h, scale * image.w, channels, (c, y, x) => sums[(c * H + y) * W + x]);
  },

  async chroma(image, port, run, { strength = 1 }) {
    const scale = Math.min(1, CHROMA_SIDE / Math.max(image.h, image.w));
    const [h, w] = sizeFor(port, ...[image.h, image.w].map((length) => Math.max(1, Math.round(length * scale))));
    const seen = small(image, 1, h, w);
    const answer = await run(port.shape[0] === 3 ? joined([seen, seen, seen]) : seen, h, w);
    return { data: coloured(image.gray, image.h, image.w, seen, answer.data, h, w, strength), h: image.h, w: image.w };
  },

  async drawing(image, port, run, { shade = false }) {
    const side = port.shape[1];
    const drawing = seenDrawing(image, side, shade);
    const answer = await run(drawing.seen, side, side);
    return layDrawing(answer, drawing, image.h, image.w);
  },
};
FITS["shaded-drawing"] = (image, port, run) => FITS.drawing(image, port, run, { shade: true });

function starts(length, tile) {
  if (length <= tile) return [0];
  const step = Math.max(1, tile - Math.round(tile * OVERLAP));
  const count = Math.ceil((length - tile) / step) + 1;
  return Array.from({ length: count }, (_, k) => Math.round((k * (length - tile)) / (count - 1)));
}

/** The weight of each row of each tile: where two overlap, one falls smoothly while the other rises. */
function ramps(begins, tile, scale) {
  const smooth = (t) => t * t * (3 - 2 * t);
  const all = begins.map(() => new Float32Array(tile * scale).fill(1));
  for (let k = 1; k < begins.length; k++) {
    const shared = scale * (begins[k - 1] + tile - begins[k]);
    for (let i = 0; i < shared; i++) {
      const rise = smooth((i + 0.5) / shared);
      all[k][i] *= rise;
      all[k - 1][tile * scale - shared + i] *= 1 - rise;
    }
  }
  return all;
}

/** Do a model's job on a picture: `run(data, h, w)` is its graph. RGBA bytes {data, h, w}. */
export function translate(fit, image, port, run, options) {
  if (!FITS[fit]) throw new Error(`This page does not know the fit ${fit}: make the site again with its own version.`);
  return FITS[fit](image, port, run, options);
}

/** A picture as an encoder takes it: {data, h, w}. */
export function encoded(fit, image, port) {
  const [h, w] = sizeFor(port, image.h, image.w);
  if (fit === "pad" && (image.h > h || image.w > w)) throw new Error(`This model takes pictures of at most ${w} x ${h} pixels.`);
  return { data: fit === "pad" ? padded(image, port.shape[0], 0, 0, h, w) : small(image, port.shape[0], h, w), h, w };
}
