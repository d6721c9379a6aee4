// What a model is told beside its input, and in how many steps it denoises: controls that hold for all its parts.

import { h, slider } from "./dom.js";

/** What is told at first: of labels the first, of a range its middle. */
export const usual = ({ interface: { conditions = [], latent } }) => ({
  set: Object.fromEntries(conditions.map(({ name, labels, range }) => [name, labels.length ? labels[0] : (range[0] + range[1]) / 2])),
  steps: latent?.repeat > 1 ? latent.repeat : null,
});

/** The controls of a model that has conditions or steps, or null; `changed` is called after each change. */
export function controls(model, changed) {
  const { conditions = [], latent } = model.interface;
  const tell = (change) => {
    change();
    changed();
  };
  const fields = conditions.map(({ name, labels, range }) => {
    if (!labels.length) {
      const value = model.told.set[name];
      return slider(name, { min: range[0], max: range[1], step: (range[1] - range[0]) / 200, value, oninput: (x) => tell(() => (model.told.set[name] = x)) }).element;
    }
    const select = h("select", { onchange: () => tell(() => (model.told.set[name] = select.value)) }, labels.map((label) => h("option", { value: label }, label)));
    select.value = model.told.set[name];
    return h("label", { class: "field" }, h("span", {}, name), select);
  });
  if (latent?.repeat > 1) {
    const input = h("input", { type: "number", min: 1, max: 1000, value: model.told.steps });
    input.addEventListener("change", () => tell(() => (model.told.steps = Math.max(1, Math.min(1000, Math.floor(Number(input.value) || 1))))));
    fields.push(h("label", { class: "field" }, h("span", {}, "Steps"), input));
  }
  return fields.length ? h("div", { class: "row told" }, fields) : null;
}

/** The same as words of a command line, and as arguments in Python. */
export const words = (model) => [
  ...Object.entries(model.told.set).flatMap(([name, value]) => ["--set", `${name}=${value}`]),
  ...(model.told.steps ? ["--steps", model.told.steps] : []),
];
export const given = (model, steps = true) =>
  [
    ...Object.entries(model.told.set).map(([name, value]) => `${name}=${JSON.stringify(value)}`),
    ...(steps && model.told.steps ? [`steps=${model.told.steps}`] : []),
  ]
    .map((text) => `, ${text}`)
    .join("");
