// Where models run: beside the page, so that it stays quick. One call at a time, the newest of a lane first.

import { Model } from "./model.js";

const site = new URL("../../", import.meta.url);
const models = new Map();
let runtime = null;

async function ort() {
  runtime ??= import(new URL("runtime/ort.wasm.min.mjs", site)).then((module) => {
    module.env.logLevel = "error";
    module.env.wasm.wasmPaths = new URL("runtime/", site).href;
    module.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
    return module;
  });
  return runtime;
}

function opened(about) {
  if (!models.has(about.id)) {
    const more = (bytes) => postMessage({ id: about.id, bytes });
    const opening = ort().then((module) => new Model(about, new URL(`models/${about.id}/`, site), module, more).open());
    opening.catch(() => models.delete(about.id));
    models.set(about.id, opening);
  }
  return models.get(about.id);
}

/** A picture's file as bytes: gray (luma as Pillow's mode L) and RGB by planes, on white. */
async function imageOf(blob, most) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error("This browser can't read the picture: it is damaged, or of a format it does not know.");
  }
  const { width: w, height: h } = bitmap;
  if (w * h > most) throw new Error(`The picture has ${(w * h / 1e6).toFixed(1)} megapixels; this page takes ${most / 1e6}.`);
  const context = new OffscreenCanvas(w, h).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, w, h);
  const rgb = new Uint8Array(3 * w * h);
  const gray = new Uint8Array(w * h);
  for (let i = 0; i < w * h; i++) {
    const alpha = data[4 * i + 3] / 255;
    for (let c = 0; c < 3; c++) rgb[c * w * h + i] = Math.round(data[4 * i + c] * alpha + 255 * (1 - alpha));
    gray[i] = (19595 * rgb[i] + 38470 * rgb[w * h + i] + 7471 * rgb[2 * w * h + i] + 0x8000) >> 16;
  }
  return { rgb, gray, w, h };
}

async function fileOf({ data, h, w }, type) {
  const canvas = new OffscreenCanvas(w, h);
  canvas.getContext("2d").putImageData(new ImageData(data, w, h), 0, 0);
  return canvas.convertToBlob({ type, quality: 0.95 });
}

const MOST = 24e6;
const CALLS = {
  draw: (model, { n, seed }) => model.draw(n, seed),
  decode: (model, { latents, shape }, told) => model.decode(latents, told, shape),
  vary: (model, { latent, ...how }, told) => model.vary(latent, how, told),
  encode: async (model, { blob }, told) => model.encode(await imageOf(blob, MOST), told),
  translate: async (model, { blob, format, ...how }, told) => {
    const type = format === "jpeg" || (!format && blob.type === "image/jpeg") ? "image/jpeg" : "image/png";
    return fileOf(await model.translate(await imageOf(blob, MOST), how, told), type);
  },
};

let line = [];
let busy = false;

async function work() {
  if (busy) return;
  busy = true;
  while (line.length) {
    const { call, name, about, given, told } = line.shift();
    try {
      postMessage({ call, value: await CALLS[name](await opened(about), given, told) });
    } catch (error) {
      postMessage({ call, error: error.message || String(error) });
    }
  }
  busy = false;
}

addEventListener("message", ({ data }) => {
  if (data.lane)
    line = line.filter((one) => {
      if (one.lane === data.lane) postMessage({ call: one.call, stale: true });
      return one.lane !== data.lane;
    });
  line.push(data);
  work();
});
