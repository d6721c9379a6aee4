// Standard normal draws, the same as the zoo's everywhere: Philox 4x64 with 10 rounds (Salmon et al. 2011), keyed with the
// seed, and the ziggurat of 256 layers (Marsaglia and Tsang 2000) on 52 bits, as numpy draws them.

const MASK = (1n << 64n) - 1n;
const FACTORS = [0xd2e7470ee14c6c93n, 0xca5a826395121157n];
const BUMPS = [0x9e3779b97f4a7c15n, 0xbb67ae8584caa73bn];
const R = 3.6541528853610088;
const V = 0.004928673233974655;
const BITS = 2 ** 52;

const tables = (() => {
  const [edge, weight, height] = [new Float64Array(256), new Float64Array(256), new Float64Array(256)];
  const f = (x) => Math.exp(-0.5 * x * x);
  const q = V / f(R);
  edge[0] = (R / q) * BITS;
  [weight[0], weight[255]] = [q / BITS, R / BITS];
  [height[0], height[255]] = [1, f(R)];
  let [x, last] = [R, R];
  for (let i = 254; i > 0; i--) {
    x = Math.sqrt(-2 * Math.log(V / x + f(x)));
    edge[i + 1] = (x / last) * BITS;
    last = x;
    height[i] = f(x);
    weight[i] = x / BITS;
  }
  return { edge, weight, height };
})();

class Philox {
  constructor(seed) {
    this.key = BigInt(seed);
    this.counter = 0n;
    this.left = [];
  }

  next() {
    if (!this.left.length) this.left = this.block().reverse();
    return this.left.pop();
  }

  block() {
    this.counter += 1n;
    let [a, b, c, d] = [this.counter, 0n, 0n, 0n];
    let [k, l] = [this.key, 0n];
    for (let round = 0; round < 10; round++) {
      const [left, right] = [FACTORS[0] * a, FACTORS[1] * c];
      [a, b, c, d] = [(right >> 64n) ^ b ^ k, right & MASK, (left >> 64n) ^ d ^ l, left & MASK];
      [k, l] = [(k + BUMPS[0]) & MASK, (l + BUMPS[1]) & MASK];
    }
    return [a, b, c, d];
  }

  double() {
    return Number(this.next() >> 11n) / 2 ** 53;
  }

  normal() {
    const { edge, weight, height } = tables;
    for (;;) {
      const bits = this.next();
      const layer = Number(bits & 255n);
      const size = Number((bits >> 9n) & 0xfffffffffffffn);
      const x = (bits >> 8n) & 1n ? -size * weight[layer] : size * weight[layer];
      if (size < edge[layer]) return x;
      if (layer) {
        if ((height[layer - 1] - height[layer]) * this.double() + height[layer] < Math.exp(-0.5 * x * x)) return x;
        continue;
      }
      for (;;) {
        const far = -Math.log1p(-this.double()) / R;
        const near = -Math.log1p(-this.double());
        if (near + near > far * far) return (bits >> 17n) & 1n ? -(R + far) : R + far;
      }
    }
  }
}

/** `count` draws of a seed. */
export function noise(count, seed) {
  const source = new Philox(seed);
  return Float32Array.from({ length: count }, () => source.normal());
}

const GRID = 3;
const WHOLE = 0.85;

/** The planes (P, H, W) of smooth noise that choose candidate `number` (zoo.inference.candidates). */
export function noisePlanes(number, planes, height, width, seed) {
  const each = GRID * GRID + 1;
  const draws = noise(number * planes * each, seed).subarray((number - 1) * planes * each);
  const [rows, columns] = [weights(height), weights(width)];
  const out = new Float32Array(planes * height * width);
  for (let p = 0; p < planes; p++) {
    const [whole, ...nodes] = draws.subarray(p * each, (p + 1) * each);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        let local = 0;
        for (let i = 0; i < GRID; i++) for (let j = 0; j < GRID; j++) local += rows[y][i] * columns[x][j] * nodes[i * GRID + j];
        out[(p * height + y) * width + x] = Math.sqrt(WHOLE) * whole + Math.sqrt(1 - WHOLE) * local;
      }
  }
  return out;
}

function weights(length) {
  return Array.from({ length }, (_, k) => {
    const place = length > 1 ? (k * (GRID - 1)) / (length - 1) : 0;
    const near = Array.from({ length: GRID }, (_, i) => Math.max(0, 1 - Math.abs(place - i)));
    const norm = Math.hypot(...near);
    return near.map((x) => x / norm);
  });
}
