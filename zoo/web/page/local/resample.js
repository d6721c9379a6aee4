// Pictures at another size, as the zoo brings them there: Pillow's filters down, a Mitchell kernel up again.

const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const FILTERS = {
  lanczos: [3, (x) => (x > -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0)],
  box: [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)],
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
};

/** For each of `n` samples of a row: the first that counts, and the weights by which the sample covers each. */
function areaTaps(size, n) {
  const scale = size / n;
  return Array.from({ length: n }, (_, k) => {
    const [from, to] = [k * scale, Math.min(size, (k + 1) * scale)];
    const first = Math.floor(from + 1e-9);
    const weights = [];
    for (let i = first; i < to - 1e-9; i++) weights.push((Math.min(i + 1, to) - Math.max(i, from)) / scale);
    return [first, weights];
  });
}

/** For each of `n` samples of the stretch [from, to] of a row of `size`: the first that counts, and their weights. */
function pillowTaps([support, kernel], size, from, to, n) {
  const scale = (to - from) / n;
  const wide = Math.max(scale, 1);
  return Array.from({ length: n }, (_, k) => {
    const center = from + (k + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support * wide + 0.5));
    const end = Math.min(size, Math.trunc(center + support * wide + 0.5));
    const weights = Array.from({ length: end - first }, (_, i) => kernel((i + first - center + 0.5) / wide));
    const total = weights.reduce((sum, w) => sum + w, 0);
    return [first, weights.map((w) => w / total)];
  });
}

/** A plane (h, w) at (H, W) by one of Pillow's filters, or by plain areas; levels of bytes are rounded after each pass, as Pillow does. */
export function resized({ data, h, w }, H, W, filter, bytes = false, [right, below] = [w, h]) {
  const round = bytes ? (x) => Math.min(255, Math.max(0, Math.round(x))) : (x) => x;
  const taps = (size, to, n) => (filter === "area" ? areaTaps(size, n) : pillowTaps(FILTERS[filter], size, 0, to, n));
  const [across, down] = [taps(w, right, W), taps(h, below, H)];
  const middle = new Float32Array(h * W);
  const pass = (from, [first, weights], start, step) => {
    let sum = 0;
    for (let i = 0; i < weights.length; i++) sum += from[start + (first + i) * step] * weights[i];
    return round(sum);
  };
  const same = W === w && right === w;
  for (let y = 0; y < h; y++)
    for (let x = 0; x < W; x++) middle[y * W + x] = same ? data[y * w + x] : pass(data, across[x], y * w, 1);
  if (H === h && below === h) return { data: middle, h: H, w: W };
  const out = new Float32Array(H * W);
  for (let y = 0; y < H; y++) for (let x = 0; x < W; x++) out[y * W + x] = pass(middle, down[y], x, W);
  return { data: out, h: H, w: W };
}

/** A plane of bytes averaged over blocks, those at the borders over what there is of them. */
function reduced({ data, h, w }, fy, fx) {
  const [H, W] = [Math.ceil(h / fy), Math.ceil(w / fx)];
  const out = new Float32Array(H * W);
  for (let y = 0; y < H; y++)
    for (let x = 0; x < W; x++) {
      let [sum, count] = [0, 0];
      for (let i = y * fy; i < Math.min(h, (y + 1) * fy); i++)
        for (let j = x * fx; j < Math.min(w, (x + 1) * fx); j++, count++) sum += data[i * w + j];
      out[y * W + x] = Math.floor(sum / count + 0.5);
    }
  return { data: out, h: H, w: W };
}

const GAP = 4;

/** A plane of bytes, 0 to 255, at (H, W), as floats in [0, 1]: Lanczos, and what is far larger is averaged first. */
export function shrunk(plane, H, W) {
  let small = plane;
  if (plane.h !== H || plane.w !== W) {
    const factors = [plane.h / H / GAP, plane.w / W / GAP].map((x) => Math.trunc(x) || 1);
    const before = factors[0] > 1 || factors[1] > 1 ? reduced(plane, ...factors) : plane;
    small = resized(before, H, W, "lanczos", true, [plane.w / factors[1], plane.h / factors[0]]);
  }
  return Float32Array.from(small.data, (x) => x / 255);
}

function mitchell(x) {
  if (x < 1) return (7 * x ** 3 - 12 * x ** 2 + 16 / 3) / 6;
  return x < 2 ? ((-7 / 3) * x ** 3 + 12 * x ** 2 - 20 * x + 32 / 3) / 6 : 0;
}

function mitchellTaps(size, n) {
  const stretch = Math.max(1, size / n);
  return Array.from({ length: n }, (_, k) => {
    const center = (k + 0.5) * (size / n) - 0.5;
    const first = Math.floor(center - 2 * stretch) + 1;
    const taps = Array.from({ length: Math.ceil(4 * stretch) }, (_, i) => first + i).filter((i) => i >= 0 && i < size);
    const weights = taps.map((i) => mitchell(Math.abs(i - center) / stretch));
    const total = weights.reduce((sum, w) => sum + w, 0);
    return [taps[0], weights.map((w) => w / total)];
  });
}

/** Planes (K, h, w) at (H, W), row by row: calls `each(y, rows)` with the K rows of W floats. Memory holds no whole plane. */
export function resampled(planes, h, w, H, W, each) {
  const count = planes.length / (h * w);
  const across = w === W ? null : mitchellTaps(w, W);
  const down = h === H ? null : mitchellTaps(h, H);
  const wide = across ? new Float32Array(count * h * W) : planes;
  if (across)
    for (let row = 0; row < count * h; row++)
      for (let x = 0; x < W; x++) {
        const [first, weights] = across[x];
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += planes[row * w + first + i] * weights[i];
        wide[row * W + x] = sum;
      }
  const rows = Array.from({ length: count }, () => new Float32Array(W));
  for (let y = 0; y < H; y++) {
    const [first, weights] = down ? down[y] : [y, [1]];
    rows.forEach((row, k) => {
      row.fill(0);
      weights.forEach((weight, i) => {
        const start = (k * h + first + i) * W;
        for (let x = 0; x < W; x++) row[x] += weight * wide[start + x];
      });
    });
    each(y, rows);
  }
}
