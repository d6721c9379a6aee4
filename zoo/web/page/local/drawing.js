// Line drawings as a model was trained on them (zoo.pictures.drawings, outlines), for drawings that are dark on an even
// page; photographs of paper need the server.

import { insideOf } from "./outlines.js";
import { resampled, resized } from "./resample.js";

const WORK_SIDE = 1024;
const MARGIN = 0.06;
const FAINTEST = 0.08;
const SHADE = 176;
const FADE = 1 / 32;

/** The lines (side, side) of a drawing as the model sees them, in [0, 1], and the square of the page that they show. */
export function seenDrawing(image, side, shade) {
  const { gray, h, w } = image;
  const plain = isPlain(gray, h, w, side);
  const drawing = plain ? { ink: Uint8Array.from(gray, (x) => (x < 128 ? 1 : 0)), top: 0, left: 0, extent: side } : found(gray, h, w, side);
  const inside = shade ? insideOf(drawing.ink, side) : null;
  const seen = Float32Array.from(drawing.ink, (ink, i) => (ink ? 0 : inside?.[i] ? SHADE / 255 : 1));
  return { ...drawing, seen };
}

function isPlain(gray, h, w, side) {
  if (h !== side || w !== side) return false;
  let [dark, light, sum] = [0, 0, 0];
  for (const x of gray) {
    sum += x;
    if (x < 32) dark++;
    else if (x > 223) light++;
  }
  const count = h * w;
  return sum / count >= 128 && (dark + light) / count > 0.98 && dark / count < 0.25;
}

/** The drawing on a page, looked for on a smaller copy of a large one. */
function found(page, height, width, side) {
  const reduction = Math.max(1, Math.max(height, width) / WORK_SIDE);
  if (reduction === 1) return foundOn(page, height, width, side);
  const [h, w] = [height, width].map((length) => Math.max(1, even(length / reduction)));
  const small = Uint8Array.from(resized({ data: page, h: height, w: width }, h, w, "area").data, even);
  const { top, left, extent, ink } = foundOn(small, h, w, side);
  return { ink, top: even(top * reduction), left: even(left * reduction), extent: even(extent * reduction) };
}

function foundOn(gray, h, w, side) {
  const strokes = strokesOf(gray, h, w);
  let [top, bottom, left, right] = [h, -1, w, -1];
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++)
      if (strokes[y * w + x]) {
        [top, bottom, left, right] = [Math.min(top, y), Math.max(bottom, y), Math.min(left, x), Math.max(right, x)];
      }
  let place;
  if (bottom < 0) {
    const extent = Math.max(h, w);
    place = { top: Math.floor((h - extent) / 2), left: Math.floor((w - extent) / 2), extent };
  } else {
    const [height, width] = [bottom - top + 1, right - left + 1];
    const extent = Math.max(8, Math.round(Math.max(height, width) * (1 + 2 * MARGIN)));
    place = { top: even(top + height / 2 - extent / 2), left: even(left + width / 2 - extent / 2), extent };
  }
  return { ...place, ink: thinned(scaled(strokes, h, w, place, side), side) };
}

/** Rounded, halves to the even number, as Python does. */
function even(x) {
  const low = Math.floor(x);
  return x - low === 0.5 ? low + (low & 1) : Math.round(x);
}

/** Where a page has ink: begun where a stroke is strong, and followed down to half of that. */
function strokesOf(gray, h, w) {
  const counts = new Uint32Array(256);
  for (const x of gray) counts[x]++;
  let half = 0;
  const middle = counts.findIndex((count) => (half += count) * 2 > gray.length);
  const page = middle < 96 ? gray.map((x) => 255 - x) : gray;
  if (middle < 96) counts.reverse();
  const paper = Math.max(1, counts.indexOf(Math.max(...counts)));
  const ink = Float32Array.from(page, (x) => Math.min(1, Math.max(0, 1 - x / paper)));
  const strongest = quantile(Float32Array.from(ink).sort(), 0.999);
  const begun = new Uint8Array(h * w);
  if (strongest < FAINTEST) return begun;
  const gain = Math.fround(255 / strongest);
  const levels = Uint8Array.from(ink, (x) => Math.min(255, Math.fround(x * gain)));
  const strong = Math.max(FAINTEST * 255, Math.min(otsu(levels.filter((x) => x > (255 * FAINTEST) / strongest)), 160));
  const seen = new Uint8Array(h * w);
  const speck = Math.max(3, (Math.max(h, w) / 256) ** 2);
  for (let start = 0; start < levels.length; start++) {
    if (seen[start] || levels[start] <= strong) continue;
    const piece = [start];
    seen[start] = 1;
    for (let k = 0; k < piece.length; k++) {
      const [y, x] = [Math.floor(piece[k] / w), piece[k] % w];
      for (let i = Math.max(0, y - 1); i <= Math.min(h - 1, y + 1); i++)
        for (let j = Math.max(0, x - 1); j <= Math.min(w - 1, x + 1); j++)
          if (!seen[i * w + j] && levels[i * w + j] > strong / 2) {
            seen[i * w + j] = 1;
            piece.push(i * w + j);
          }
    }
    if (piece.length >= speck) for (const i of piece) begun[i] = 1;
  }
  return begun;
}

/** A quantile of sorted numbers, between two of them where it falls there; in single precision, as numpy has it. */
function quantile(sorted, share) {
  const at = Math.fround((sorted.length - 1) * Math.fround(share));
  const [low, part] = [Math.floor(at), at - Math.floor(at)];
  return Math.fround(sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * part);
}

/** The level that parts levels best in two (Otsu 1979). */
function otsu(levels) {
  if (!levels.length) return 128;
  const counts = new Float64Array(256);
  for (const x of levels) counts[x]++;
  const mean = counts.reduce((sum, count, i) => sum + i * count, 0) / levels.length;
  let [best, split, share, sum] = [0, 0, 0, 0];
  for (let i = 0; i < 256; i++) {
    share += counts[i] / levels.length;
    sum += (i * counts[i]) / levels.length;
    if (share < 1e-7 || share > 1 - 1e-7) continue;
    const apart = share * (1 - share) * (sum / share - (mean - sum) / (1 - share)) ** 2;
    if (apart > best) [best, split] = [apart, i];
  }
  return split;
}

/** Strokes of a square of the page at (side, side); thickened first where they shrink, so that none gets lost. */
function scaled(strokes, h, w, { top, left, extent }, side) {
  let cut = new Float32Array(extent * extent);
  for (let y = Math.max(0, top); y < Math.min(h, top + extent); y++)
    for (let x = Math.max(0, left); x < Math.min(w, left + extent); x++) cut[(y - top) * extent + x - left] = strokes[y * w + x];
  if (extent > side) cut = Float32Array.from(stamped(cut, extent, roundPen(Math.ceil(extent / side))));
  let small = resized({ data: cut, h: extent, w: extent }, side, side, extent > side ? "area" : "bilinear").data;
  if (extent < side) small = blurred(small, side, (0.4 * side) / extent); // without the steps of the enlarged pixels
  return outlined(
    Uint8Array.from(small, (x) => (x >= 0.5 ? 1 : 0)),
    side,
  );
}

/** Smoothed by a Gaussian of `sigma` pixels, mirrored at the borders. */
function blurred(plane, side, sigma) {
  const reach = Math.round(8 * sigma + 1) >> 1;
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((sum, x) => sum + x, 0);
  const kernel = Float32Array.from(weights, (x) => x / total);
  const mirrored = (i) => (i < 0 ? -i : i >= side ? 2 * side - 2 - i : i);
  const pass = (from, stride, across) => {
    const out = new Float32Array(side * side);
    for (let a = 0; a < side; a++)
      for (let b = 0; b < side; b++) {
        let sum = 0;
        for (let k = -reach; k <= reach; k++) sum += kernel[k + reach] * from[a * across + mirrored(b + k) * stride];
        out[a * across + b * stride] = sum;
      }
    return out;
  };
  return pass(pass(plane, 1, side), side, 1);
}

/** The spots [dy, dx] of a round pen. */
function roundPen(pen) {
  const reach = pen >> 1;
  const spots = [];
  for (let i = 0; i < pen; i++) {
    const dx = reach ? even(reach * Math.sqrt((reach * reach - (i - reach) ** 2) / (reach * reach))) : 0;
    for (let j = Math.max(0, reach - dx); j < Math.min(pen, reach + dx + 1); j++) spots.push([i - reach, j - reach]);
  }
  return spots;
}

/** Whether any (or, with `all`, every) spot within the page is inked, for each pixel. */
function stamped(ink, side, spots, all = false) {
  const out = new Uint8Array(side * side);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const found = spots.findIndex(([i, j]) => y + i >= 0 && y + i < side && x + j >= 0 && x + j < side && !ink[(y + i) * side + x + j] === all);
      out[y * side + x] = found >= 0 === all ? 0 : 1;
    }
  return out;
}

const SOLID = 2.5;

/** Ink with its blots, far wider than its strokes, replaced by their outlines. */
function outlined(ink, side) {
  const depth = depths(ink, side);
  const ridge = thinned(ink, side).reduce((list, on, i) => (on && list.push(depth[i]), list), []).sort((a, b) => a - b);
  if (!ridge.length) return ink;
  const half = ridge.length >> 1;
  const reach = Math.max(3, SOLID * (ridge.length % 2 ? ridge[half] : (ridge[half - 1] + ridge[half]) / 2));
  if (depth.reduce((most, x) => Math.max(most, x), 0) < reach) return ink;
  const pen = roundPen(2 * Math.floor(reach) - 1);
  const blots = stamped(stamped(ink, side, pen, true), side, pen);
  const square = [-1, 0, 1].flatMap((i) => [-1, 0, 1].map((j) => [i, j]));
  const inner = stamped(blots, side, square, true);
  return ink.map((on, i) => (on && !inner[i] ? 1 : 0));
}

// Steps of one pixel, a diagonal, and a knight's move (Borgefors 1986, as OpenCV rounds them).
const STEPS = [[0, -1, 1], [-1, 0, 1], [-1, -1, 1.4], [-1, 1, 1.4], [-1, -2, 2.1969], [-1, 2, 2.1969], [-2, -1, 2.1969], [-2, 1, 2.1969]];

/** How far each inked pixel is from the page, about. */
function depths(ink, side) {
  const depth = Float32Array.from(ink, (on) => (on ? 1e6 : 0));
  const at = (y, x) => (y < 0 || x < 0 || y >= side || x >= side ? (y < -1 || x < -1 || y > side || x > side ? 1e6 : 0) : depth[y * side + x]);
  for (const sign of [1, -1])
    for (let k = 0; k < side * side; k++) {
      const i = sign > 0 ? k : side * side - 1 - k;
      if (!depth[i]) continue;
      const [y, x] = [Math.floor(i / side), i % side];
      for (const [dy, dx, cost] of STEPS) depth[i] = Math.min(depth[i], at(y + sign * dy, x + sign * dx) + cost);
    }
  return depth;
}

/** Ink thinned to lines of one pixel that stay connected (Zhang and Suen 1984). */
function thinned(ink, side) {
  const wide = side + 2;
  const lines = new Uint8Array(wide * wide);
  for (let y = 0; y < side; y++) lines.set(ink.subarray(y * side, (y + 1) * side), (y + 1) * wide + 1);
  const ring = [-wide, -wide + 1, 1, wide + 1, wide, wide - 1, -1, -wide - 1];
  for (let changed = true; changed; ) {
    changed = false;
    for (const removable of HALVES) {
      const gone = [];
      for (let i = wide; i < wide * (wide - 1); i++) {
        if (!lines[i]) continue;
        let pattern = 0;
        for (let k = 0; k < 8; k++) pattern |= lines[i + ring[k]] << k;
        if (removable[pattern]) gone.push(i);
      }
      for (const i of gone) lines[i] = 0;
      changed ||= gone.length > 0;
    }
  }
  const out = new Uint8Array(side * side);
  for (let y = 0; y < side; y++) out.set(lines.subarray((y + 1) * wide + 1, (y + 1) * wide + 1 + side), y * side);
  return out;
}

/** For each pattern of neighbours, clockwise from above, whether a half of a step removes the pixel. */
const HALVES = [false, true].map((last) =>
  Uint8Array.from({ length: 256 }, (_, pattern) => {
    const bit = (k) => (pattern >> (k & 7)) & 1;
    let [count, rises] = [0, 0];
    for (let k = 0; k < 8; k++) {
      count += bit(k);
      rises += !bit(k) && bit(k + 1) ? 1 : 0;
    }
    const [up, right, down, left] = [bit(0), bit(2), bit(4), bit(6)];
    const free = last ? !(up && right && left) && !(up && down && left) : !(up && right && down) && !(right && down && left);
    return count >= 2 && count <= 6 && rises === 1 && free ? 1 : 0;
  }),
);

/** The answer laid over its place on a white page, RGBA bytes (H, W). */
export function layDrawing(answer, { top, left, extent }, H, W) {
  const { h, w, c: channels } = answer;
  const whole = top === 0 && left === 0 && extent === H && H === W;
  const rise = (at, length) => Math.min(1, Math.min(at, length - 1 - at) / Math.max(1, length * FADE));
  const faded = whole ? answer.data : answer.data.map((x, i) => 1 - (1 - x) * Math.min(rise(Math.floor(i / w) % h, h), rise(i % w, w)));
  const out = new Uint8ClampedArray(4 * H * W).fill(255);
  resampled(faded, h, w, extent, extent, (row, planes) => {
    const y = row + top;
    if (y < 0 || y >= H) return;
    for (let x = Math.max(0, left); x < Math.min(W, left + extent); x++)
      for (let k = 0; k < 3; k++) out[4 * (y * W + x) + k] = Math.round(255 * Math.min(1, Math.max(0, planes[channels === 1 ? 0 : k][x - left])));
  });
  return { data: out, h: H, w: W };
}
