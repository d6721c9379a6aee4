// A drawing pad: the picture follows the pen.

import { commands, line, loaded } from "../commands.js";
import { acting, button, choice, h, latest, save, say } from "../dom.js";
import { toBlob } from "../pixels.js";

const SIDE = 512;
const PENS = { 3: "Fine", 6: "Pen", 12: "Broad" };

export function open({ engine, model, panel, state, signal }) {
  const pad = h("canvas", { class: "pad", width: SIDE, height: SIDE, role: "img", "aria-label": "Drawing pad: draw with a pointer, a finger or a pen" });
  const made = h("img", { class: "made", alt: "What the model makes of the drawing", hidden: true });
  const hint = h("p", { class: "hint over-pad" }, "Draw here");
  const command = commands();
  const context = pad.getContext("2d", { willReadFrequently: false });
  const strokes = (state.strokes ??= []);
  const undone = [];
  let pen = 6;
  let stroke = null;
  let url = "";
  let whole = null;
  let changes = 0;

  const undo = button("Undo", { symbol: "undo", onclick: () => step(strokes, undone) });
  const redo = button("Redo", { symbol: "redo", onclick: () => step(undone, strokes) });
  const erase = button("Clear", { symbol: "trash", onclick: clear });
  const keep = button("Download", { symbol: "download", main: true, disabled: true, onclick: download });
  panel.append(
    h(
      "div",
      { class: "row tools" },
      choice("Pen", Object.entries(PENS), String(pen), (value) => (pen = Number(value))),
      undo,
      redo,
      erase,
      acting("Try a sample", { symbol: "sparkle", onclick: sample }),
      keep,
    ),
    h("div", { class: "pair" }, h("div", { class: "paper" }, pad, hint), h("div", { class: "paper result" }, made)),
    command.element,
  );
  command.set(
    line("zoo", "run", model.default ? model.task : model.name, "drawing.png"),
    `${loaded(model)}made = model.translate("drawing.png")\nzoo.write_images(made, ["made.png"])`,
  );

  function redraw() {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, SIDE, SIDE);
    context.lineCap = context.lineJoin = "round";
    for (const one of strokes) {
      if (one.image) {
        const scale = Math.min(SIDE / one.image.width, SIDE / one.image.height);
        const [w, h] = [one.image.width * scale, one.image.height * scale];
        context.drawImage(one.image, (SIDE - w) / 2, (SIDE - h) / 2, w, h);
        continue;
      }
      context.strokeStyle = "#000";
      context.lineWidth = one.pen;
      context.beginPath();
      context.moveTo(...one.points[0]);
      if (one.points.length === 1) context.lineTo(one.points[0][0] + 0.1, one.points[0][1]);
      for (let i = 1; i < one.points.length; i++) {
        const [x, y] = one.points[i];
        const [fromX, fromY] = one.points[i - 1];
        context.quadraticCurveTo(fromX, fromY, (fromX + x) / 2, (fromY + y) / 2);
      }
      context.lineTo(...one.points.at(-1));
      context.stroke();
    }
    hint.hidden = strokes.length > 0;
    undo.disabled = erase.disabled = !strokes.length;
    redo.disabled = !undone.length;
  }

  const follow = latest(async () => {
    if (!strokes.length) {
      made.hidden = true;
      return;
    }
    const at = changes;
    const { blob } = await engine.translate(model.id, await toBlob(pad), { format: "png", lane: "sketch" });
    const old = url;
    url = URL.createObjectURL(blob);
    whole = blob;
    made.src = url;
    made.hidden = false;
    if (old) setTimeout(() => URL.revokeObjectURL(old), 1000);
    if (at !== changes) return; // the pen was quicker: the next picture is on its way
    keep.disabled = false;
    say("The picture has followed.");
  });

  const place = (event) => {
    const box = pad.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    pad.setPointerCapture(event.pointerId);
    stroke = { pen, points: [place(event)] };
    strokes.push(stroke);
    undone.length = 0;
    changed();
  });
  pad.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) stroke.points.push(place(one));
    changed();
  });
  const lift = () => {
    stroke = null;
  };
  pad.addEventListener("pointerup", lift);
  pad.addEventListener("pointercancel", lift);
  const keys = (event) => {
    if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (event.shiftKey) step(undone, strokes);
    else step(strokes, undone);
  };
  addEventListener("keydown", keys, { signal });

  function changed() {
    changes++;
    keep.disabled = true;
    redraw();
    follow();
  }

  function step(from, to) {
    if (!from.length) return;
    to.push(from.pop());
    changed();
  }

  function clear() {
    undone.length = 0;
    strokes.length = 0;
    changed();
  }

  async function sample() {
    const image = await createImageBitmap(await engine.sample(model.id));
    strokes.length = 0;
    strokes.push({ image });
    changed();
  }

  async function download() {
    save(await toBlob(pad), "drawing.png");
    save(whole, `drawing.${model.task ?? "out"}.png`);
  }

  redraw();
  if (strokes.length) follow();
  addEventListener("zoo-again", follow, { signal });
  return () => url && URL.revokeObjectURL(url);
}
