// Moving about in the latent space: along the directions in which pictures change most, and along learned attributes.

import { commands, expression, loaded } from "../commands.js";
import { button, h, latest, save, slider } from "../dom.js";
import { intake } from "../intake.js";
import { moved, rows } from "../latents.js";
import { paint, toBlob } from "../pixels.js";
import { anySeed, drawn, encoded, sizeOf } from "../places.js";
import { given } from "../told.js";

// How far sliders go: standard deviations of draws, and times from without to with an attribute.
const FAR = 3;
const MORE = 2;

export async function open({ engine, model, panel, state, go, signal }) {
  const canvas = h("canvas", { role: "img", "aria-label": "What the model makes of the place" });
  const controls = h("div", { class: "controls" });
  const command = commands();
  const base = h("p", { class: "small" });
  panel.append(
    h("div", { class: "work" }, h("div", { class: "stage" }, h("div", { class: "frame" }, canvas), base), controls),
    command.element,
  );
  let place = state.picked ?? (await drawn(engine, model, 1, 0))[0];
  let sliders = [];
  let space = null;

  const download = button("Download", { symbol: "download", disabled: true, onclick: async () => save(await toBlob(canvas), "explored.png") });
  const show = latest(async () => {
    const told = script(); // of the picture that comes, whatever is moved meanwhile
    paint(canvas, await engine.decode(model.id, now(), { lane: "explore" }));
    command.set("", told);
    download.disabled = false;
  });
  const directions = () => (space ? [...rows(space.vectors, sizeOf(model)), ...rows(space.axes, sizeOf(model))] : []);
  const steps = () => sliders.map((one) => one.value * one.unit);
  const now = () => moved(place.z, directions(), steps());

  function start(other) {
    place = other;
    state.picked = other;
    for (const one of sliders) one.value = 0;
    base.textContent = other.file ? `Around ${other.file}` : `Around draw ${(other.draw ?? 0) + 1} of seed ${other.seed}`;
    show();
  }

  addEventListener("zoo-again", () => show(), { signal });
  start(place);
  controls.append(h("p", { class: "small waiting-words" }, "Looking for the directions in which pictures change most…"));
  space = await engine.space(model.id);
  const count = space.axes.length / sizeOf(model);
  const make = (name, far, unit, words) => {
    const one = slider(name, { min: -far, max: far, step: far / 60, value: 0, show: words, oninput: show });
    one.unit = unit;
    return one;
  };
  const signed = (x) => `${x > 0 ? "+" : x < 0 ? "−" : ""}${Math.abs(x).toFixed(1)}`;
  const learned = space.names.map((name) => make(name, MORE, 1, signed));
  const found = Array.from({ length: count }, (_, k) =>
    make(`Direction ${k + 1}`, FAR, space.spread[k], (x) => `${signed(x)} σ`),
  );
  sliders = [...learned, ...found];
  const move = latest(async (to) => start(await to()));
  const pictures = model.can.includes("encode") ? intake({ sample: null, onfiles: ([file]) => move(() => encoded(engine, model, file)) }) : null;
  pictures?.compact();
  controls.replaceChildren(
    ...[
      learned.length ? h("h3", {}, "Attributes") : null,
      ...learned.map((one) => one.element),
      learned.length ? h("h3", {}, "What changes most") : null,
      ...found.map((one) => one.element),
      h(
        "div",
        { class: "row" },
        button("Back to the middle", { symbol: "undo", onclick: () => start(place) }),
        button("Another draw", { symbol: "dice", onclick: () => move(async () => (await drawn(engine, model, 1, anySeed()))[0]) }),
        button("Blend from here", { symbol: "swap", onclick: () => blend() }),
        download,
      ),
      pictures?.element,
    ].filter(Boolean),
  );

  function blend() {
    state.a = { ...place, z: now(), moved: true };
    go("blend");
  }

  function script() {
    const terms = [];
    const names = space?.names ?? [];
    sliders.forEach((one, i) => {
      if (!one.value) return;
      const k = i - names.length;
      terms.push(k < 0 ? `${one.value.toFixed(3)} * space.vectors[${i}]` : `${one.value.toFixed(3)} * space.spread[${k}] * space.axes[${k}]`);
    });
    const lines = [loaded(model).trimEnd(), `latent = ${expression(place)}`];
    if (terms.length) {
      lines.unshift("from zoo.web.space import explored\n");
      lines.push("space = explored(model)", ...terms.map((term) => `latent = latent + ${term}`));
    }
    return `${lines.join("\n")}\nzoo.write_images(model.decode(latent[None]${given(model)}), ["made.png"])`;
  }

  return () => pictures?.close();
}
