// What a line drawing has inside (zoo.pictures.outlines).

const GAP = 1 / 28;
const NARROWEST = 5;

/** What outlines shut off from the page's border; wider gaps are closed where that finds more. */
export function insideOf(ink, side) {
  const gap = Math.max(NARROWEST, Math.round(side * GAP));
  let best = closed(ink, side, gap);
  let size = best.inside.reduce((sum, x) => sum + x, 0);
  for (const wide of [2 * gap, 4 * gap]) {
    const wider = closed(ink, side, wide);
    if (wider.bare >= size) {
      best = wider;
      size = best.inside.reduce((sum, x) => sum + x, 0);
    }
  }
  return best.inside;
}

function closed(ink, side, gap) {
  const pad = 2 * gap;
  const wide = side + 2 * pad;
  let walls = new Uint8Array(wide * wide);
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) walls[(y + pad) * wide + x + pad] = ink[y * side + x];
  const before = gap >> 1;
  walls = slid(slid(walls, wide, gap, before, false), wide, gap, before, true);
  const outside = new Uint8Array(wide * wide);
  const queue = [0];
  outside[0] = 1;
  while (queue.length) {
    const i = queue.pop();
    const x = i % wide;
    for (const j of [x ? i - 1 : -1, x < wide - 1 ? i + 1 : -1, i - wide, i + wide])
      if (j >= 0 && j < wide * wide && !outside[j] && !walls[j]) {
        outside[j] = 1;
        queue.push(j);
      }
  }
  const inside = new Uint8Array(side * side);
  let bare = 0;
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const i = (y + pad) * wide + x + pad;
      inside[y * side + x] = outside[i] ? 0 : 1;
      if (!outside[i] && !walls[i]) bare++;
    }
  return { inside, bare };
}

/** Whether any pixel (or, with `all`, every one) of a square window is on, `before` of it before each pixel. */
function slid(values, side, length, before, all) {
  const pass = (from, stride, across) => {
    const out = new Uint8Array(from.length);
    const sums = new Uint16Array(side + 1);
    for (let a = 0; a < side; a++) {
      for (let b = 0; b < side; b++) sums[b + 1] = sums[b] + from[a * across + b * stride];
      for (let b = 0; b < side; b++) {
        const [start, end] = [Math.max(0, b - before), Math.min(side, b - before + length)];
        const count = sums[end] - sums[start];
        out[a * across + b * stride] = all ? Number(count === end - start) : Number(count > 0);
      }
    }
    return out;
  };
  return pass(pass(values, 1, side), side, 1);
}
