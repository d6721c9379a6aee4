// Pictures between files, canvases and bytes.

/** Draw picture `index` of decoded ones ({data, n, h, w, c}, uint8 with channels last) on a canvas of its size. */
export function paint(canvas, pictures, index = 0) {
  const { data, h: height, w: width, c: channels } = pictures;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const start = index * height * width * channels;
  for (let i = 0, from = start; i < height * width; i++, from += channels) {
    image.data[4 * i] = data[from];
    image.data[4 * i + 1] = data[channels === 3 ? from + 1 : from];
    image.data[4 * i + 2] = data[channels === 3 ? from + 2 : from];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  canvas.classList.toggle("pixels", Math.max(width, height) <= 64);
}

/** A canvas as a PNG file. */
export const toBlob = (canvas) => new Promise((done) => canvas.toBlob(done, "image/png"));

/** A file as a bitmap, upright, or null where this browser does not know its format. */
export async function bitmapOf(blob) {
  try {
    return await createImageBitmap(blob);
  } catch {
    return null;
  }
}

/** The bitmap as a PNG file of at most `side` pixels a side: quick to send while a slider moves. */
export async function shrunk(bitmap, side) {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return toBlob(canvas);
}

/** The picture files among what was dropped or pasted, those of folders too. */
export async function filesOf(transfer) {
  const entries = [...(transfer.items ?? [])].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = entries.length ? (await Promise.all(entries.map(walk))).flat() : [...transfer.files];
  return files.filter(isPicture);
}

const SUFFIX = /\.(jpe?g|jfif|png|webp|tiff?|bmp|gif|avif|hei[cf]|jp2|ppm|pgm|qoi)$/i;

/** Whether a file is a picture, by its type or name. */
export const isPicture = (file) => file.type.startsWith("image/") || SUFFIX.test(file.name);

async function walk(entry) {
  if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) break;
    found.push(...some);
  }
  const shown = found.filter((inner) => !inner.name.startsWith("."));
  return (await Promise.all(shown.map(walk))).flat();
}

const CRC = new Uint32Array(256).map((_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** A zip archive of files ([name, blob]), stored as they are: pictures are compressed already. */
export async function zip(files) {
  const parts = [];
  const index = [];
  let offset = 0;
  for (const [name, blob] of files) {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const title = new TextEncoder().encode(name);
    const head = new DataView(new ArrayBuffer(26));
    [20, 0x0800, 0, 0, 0x5c21].forEach((value, i) => head.setUint16(2 * i, value, true));
    [crc32(bytes), bytes.length, bytes.length].forEach((value, i) => head.setUint32(10 + 4 * i, value, true));
    head.setUint16(22, title.length, true);
    parts.push(u32(0x04034b50), head.buffer, title, bytes);
    const rest = new DataView(new ArrayBuffer(14));
    rest.setUint32(10, offset, true);
    index.push(u32(0x02014b50), u16(20), head.buffer, rest.buffer, title);
    offset += 30 + title.length + bytes.length;
  }
  const size = index.reduce((sum, part) => sum + part.byteLength, 0);
  const counts = [0, 0, files.length, files.length].map(u16);
  return new Blob([...parts, ...index, u32(0x06054b50), ...counts, u32(size), u32(offset), u16(0)], {
    type: "application/zip",
  });
}

const u16 = (value) => new Uint8Array(new Uint16Array([value]).buffer);
const u32 = (value) => new Uint8Array(new Uint32Array([value]).buffer);
