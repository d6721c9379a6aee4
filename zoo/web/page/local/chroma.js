// Colours of a small gray picture joined to the picture's own lightness (zoo.inference.fit.chroma, zoo.pictures.color).

import { resampled, resized } from "./resample.js";

const MATRIX = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];
const WHITE = MATRIX.map((row) => row[0] + row[1] + row[2]);
const DELTA = 6 / 29;
const SLOPE = 3 * DELTA ** 2;
const SLACK = 1e-4;
const CELLS = 64;
const CONTRAST = 6;

function inverse(m) {
  const [[a, b, c], [d, e, f], [g, h, i]] = m;
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  return [[e * i - f * h, c * h - b * i, b * f - c * e], [f * g - d * i, a * i - c * g, c * d - a * f], [d * h - e * g, b * g - a * h, a * e - b * d]].map(
    (row) => row.map((x) => x / det),
  );
}

const TO_RGB = inverse(MATRIX).map((row) => row.map((x, i) => x * WHITE[i]));
const linear = (level) => (level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4);
const f = (t) => (t > DELTA ** 3 ? Math.cbrt(t) : t / SLOPE + 4 / 29);
const inverseF = (t) => (t > DELTA ? t * t * t : DELTA ** 3 + (t - DELTA) * SLOPE);
const lightness = (level) => 116 * f(linear(level)) - 16;
const BYTES = Uint8Array.from({ length: 65536 }, (_, i) => {
  const light = i / 65535;
  return Math.round(255 * (light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055));
});
const LINEAR = Float32Array.from({ length: 65536 }, (_, i) => linear(i / 65535));
const LIGHT = Float32Array.from({ length: 256 }, (_, i) => lightness(i / 255));

/** a and b (2, h, w) of RGB (3, h, w). */
function colours(rgb, size) {
  const out = new Float32Array(2 * size);
  const at = (c, i) => LINEAR[Math.round(Math.min(1, Math.max(0, rgb[c * size + i])) * 65535)];
  for (let i = 0; i < size; i++) {
    const [r, g, b] = [at(0, i), at(1, i), at(2, i)];
    const part = (k) => f((MATRIX[k][0] * r + MATRIX[k][1] * g + MATRIX[k][2] * b) / WHITE[k]);
    const y = part(1);
    out[i] = 500 * (part(0) - y);
    out[size + i] = 200 * (y - part(2));
  }
  return out;
}

function atSize(plane, h, w, H, W) {
  return h === H && w === W ? plane : resized({ data: plane, h, w }, H, W, H <= h && W <= w ? "box" : "bilinear").data;
}

/** Means over 3x3 neighbours, those in the middle counting most. */
function around(plane, h, w) {
  const out = new Float32Array(h * w);
  const at = (y, x) => plane[Math.min(h - 1, Math.max(0, y)) * w + Math.min(w - 1, Math.max(0, x))];
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      let sum = 0;
      for (let i = -1; i <= 1; i++) for (let j = -1; j <= 1; j++) sum += (2 - Math.abs(i)) * (2 - Math.abs(j)) * at(y + i, x + j);
      out[y * w + x] = sum / 16;
    }
  return out;
}

const map = (plane, change) => Float32Array.from(plane, (x, i) => change(x, i));

function slopes(chroma, light, h, w) {
  const [means, mean] = [around(chroma, h, w), around(light, h, w)];
  const variance = around(map(light, (x) => x * x), h, w);
  const spread = around(map(chroma, (x) => x * x), h, w);
  const shared = around(map(chroma, (x, i) => x * light[i]), h, w);
  return map(means, (m, i) => {
    const both = shared[i] - m * mean[i];
    const slope = both / (Math.max(0, variance[i] - mean[i] ** 2) + CONTRAST ** 2);
    return slope * ((slope * both) / (Math.max(0, spread[i] - m * m) + 1e-3));
  });
}

/** Slopes and offsets (2 slopes, 2 offsets; h, w) of chroma (2, h, w) by lightness (zoo.inference.fit.guided). */
function linearModel(chroma, light, h, w) {
  const size = h * w;
  const [ch, cw] = [Math.min(CELLS, h), Math.min(CELLS, w)];
  const blurred = (plane) => atSize(atSize(plane, h, w, ch, cw), ch, cw, h, w);
  const soft = blurred(light);
  const softer = blurred(soft);
  const small = atSize(light, h, w, ch, cw);
  const parts = [0, 1].map((k) => {
    const plane = chroma.subarray(k * size, (k + 1) * size);
    const slope = atSize(slopes(atSize(plane, h, w, ch, cw), small, ch, cw), ch, cw, h, w);
    const smooth = blurred(plane);
    const least = map(slope, (s, i) => s * (soft[i] - softer[i]));
    const more = map(slope, (s, i) => s * (light[i] - soft[i]) - least[i]);
    return { plane, slope, more, found: map(plane, (x, i) => x - smooth[i] - least[i]) };
  });
  let [both, own] = [0, 0];
  for (const { more, found } of parts) more.forEach((x, i) => ((both += x * found[i]), (own += x * x)));
  const share = Math.min(1, Math.max(0, both / Math.max(own, 1e-6)));
  const out = new Float32Array(4 * size);
  parts.forEach(({ plane, slope }, k) => {
    out.set(slope, k * size);
    out.set(map(plane, (x, i) => x - slope[i] * (soft[i] + share * (light[i] - soft[i]))), (2 + k) * size);
  });
  return out;
}

const light = new Float64Array(3);

/** Linear RGB of f(Y), Y and colours times a share, into `light`; whether sRGB has them. */
function lit(fy, y, da, db, share) {
  const x = inverseF(fy + da * share) - y;
  const z = inverseF(fy - db * share) - y;
  let inside = true;
  for (let c = 0; c < 3; c++) {
    light[c] = y + TO_RGB[c][0] * x + TO_RGB[c][2] * z;
    inside &&= light[c] >= -SLACK && light[c] <= 1 + SLACK;
  }
  return inside;
}

/** The sRGB bytes of a lightness and colours; colours that do not fit are made weaker until they do. */
function join(L, a, b, out, at) {
  const fy = (L + 16) / 116;
  const y = inverseF(fy);
  if (!lit(fy, y, a / 500, b / 200, 1)) {
    let low = 0;
    for (let step = 0.5, k = 0; k < 9; k++, step /= 2) if (lit(fy, y, a / 500, b / 200, low + step)) low += step;
    lit(fy, y, a / 500, b / 200, low);
  }
  for (let c = 0; c < 3; c++) out[at + c] = BYTES[Math.min(65535, Math.max(0, Math.trunc(light[c] * 65535 + 0.5)))];
}

/** The coloured picture, RGBA bytes: of the gray one (H, W), what the model saw of it (h, w) and answered (3, h, w). */
export function coloured(gray, H, W, seen, answer, h, w, strength) {
  const chroma = colours(answer, h * w).map((x) => x * strength);
  const model = linearModel(chroma, map(seen, (x) => lightness(Math.round(x * 65535) / 65535)), h, w);
  const out = new Uint8ClampedArray(4 * H * W).fill(255);
  resampled(model, h, w, H, W, (y, [slopeA, slopeB, offsetA, offsetB]) => {
    for (let x = 0; x < W; x++) {
      const L = LIGHT[gray[y * W + x]];
      join(L, slopeA[x] * L + offsetA[x], slopeB[x] * L + offsetB[x], out, 4 * (y * W + x));
    }
  });
  return out;
}
