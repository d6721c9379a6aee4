// The latent space as a map: points of pictures or draws, and the picture of the place under the pointer.

import { h, latest, report, say } from "../dom.js";
import { moved, rows } from "../latents.js";
import { paint } from "../pixels.js";
import { sizeOf } from "../places.js";

const COLOURS = 10;

export async function open({ engine, model, panel, state, signal }) {
  const chart = h("canvas", { class: "chart", tabIndex: -1, role: "application", "aria-busy": "true", "aria-label": "Map of the latent space: move with the arrow keys" });
  const canvas = h("canvas", { role: "img", "aria-label": "The picture of the place" });
  const where = h("p", { class: "small" });
  const legend = h("ul", { class: "legend" });
  panel.append(
    h("div", { class: "work map" }, h("div", { class: "stage" }, chart), h("div", { class: "controls" }, h("div", { class: "frame" }, canvas), where, legend)),
  );
  where.textContent = "Drawing the map…";
  const space = await engine.space(model.id);
  const axes = rows(space.axes, sizeOf(model)).slice(0, 2);
  const points = await engine.points(model.id).catch((error) => (report(error), { places: [], labels: [], of: "" }));
  const labels = [...new Set(points.labels)].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  const reach = [0, 1].map((k) => {
    const far = points.places.map((place) => Math.abs(place[k])).sort((a, b) => a - b);
    return Math.max(3 * space.spread[k], (far[Math.floor(far.length * 0.995)] ?? 0) * 1.05);
  });
  let at = state.at ?? [0, 0];

  const show = latest(async () => {
    const place = (state.at = at);
    paint(canvas, await engine.decode(model.id, moved(space.center, axes, place), { lane: "map" }));
    where.textContent = `${place.map((x) => x.toFixed(2)).join(", ")} · points are ${points.of}`;
  });

  function draw() {
    const scale = devicePixelRatio || 1;
    const side = chart.clientWidth || 480;
    chart.width = chart.height = Math.round(side * scale);
    const context = chart.getContext("2d");
    const style = getComputedStyle(chart);
    const size = chart.width;
    const put = ([x, y]) => [(0.5 + x / reach[0] / 2) * size, (0.5 - y / reach[1] / 2) * size];
    context.clearRect(0, 0, size, size);
    context.strokeStyle = style.getPropertyValue("--line");
    context.lineWidth = scale;
    for (const [from, to] of [[[-reach[0], 0], [reach[0], 0]], [[0, -reach[1]], [0, reach[1]]]]) {
      context.beginPath();
      context.moveTo(...put(from));
      context.lineTo(...put(to));
      context.stroke();
    }
    points.places.forEach((place, i) => {
      const kind = labels.length ? labels.indexOf(points.labels[i]) % COLOURS : -1;
      context.fillStyle = kind < 0 ? style.getPropertyValue("--muted") : style.getPropertyValue(`--hue-${kind}`);
      context.globalAlpha = labels.length ? 0.75 : 0.45;
      context.beginPath();
      context.arc(...put(place), 2.6 * scale, 0, 7);
      context.fill();
    });
    context.globalAlpha = 1;
    const [x, y] = put(at);
    context.strokeStyle = style.getPropertyValue("--accent");
    context.lineWidth = 2 * scale;
    context.beginPath();
    context.arc(x, y, 9 * scale, 0, 7);
    context.moveTo(x + 2 * scale, y);
    context.arc(x, y, 2 * scale, 0, 7);
    context.stroke();
  }

  function move(place) {
    at = place.map((x, k) => Math.max(-reach[k], Math.min(reach[k], x)));
    draw();
    show();
  }

  const point = (event) => {
    const box = chart.getBoundingClientRect();
    move([(2 * (event.clientX - box.left)) / box.width - 1, 1 - (2 * (event.clientY - box.top)) / box.height].map((x, k) => x * reach[k]));
  };
  chart.addEventListener("pointermove", point);
  chart.addEventListener("pointerdown", point);
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step) return;
    event.preventDefault();
    move(at.map((x, k) => x + (step[k] * reach[k]) / 40));
    say(at.map((x) => x.toFixed(2)).join(", "));
  });
  for (const [i, label] of labels.slice(0, 2 * COLOURS).entries())
    if (label) legend.append(h("li", { class: `hue-${i % COLOURS}` }, label));
  const watch = new ResizeObserver(draw);
  watch.observe(chart);
  addEventListener("zoo-again", show, { signal });
  chart.tabIndex = 0;
  chart.setAttribute("aria-busy", "false");
  draw();
  show();
  return () => watch.disconnect();
}
