// What the model is, takes and gives, how good it is, and its card.

import { h } from "../dom.js";
import { markdown } from "../markdown.js";

const port = ({ kind, shape, multiple }) => {
  if (kind !== "image") return `${kind} ${shape.map((length) => length ?? "any").join(" × ")}`;
  const [channels, height, width] = shape;
  const colours = { 1: "gray", 3: "RGB" }[channels] ?? `${channels} channels`;
  return height === null ? `${colours}, any size${multiple > 1 ? ` in multiples of ${multiple}` : ""}` : `${colours} ${width} × ${height}`;
};
const number = (x) => (x === null || x === undefined ? "–" : Number(x.toPrecision(4)).toString());

export async function open({ engine, model, panel }) {
  const facts = [
    ["Family", model.family],
    ["Task", model.task ?? "–"],
    ["Can", model.can.join(", ")],
    ["Licence", model.license],
    ["Weights", `${model.parameters.toLocaleString("en")} parameters, ${(model.bytes / 1e6).toFixed(1)} MB of ${model.dtype}`],
    ...Object.entries(model.interface.roles).map(([role, { inputs, outputs, fit, scale }]) => [
      role[0].toUpperCase() + role.slice(1),
      `${inputs.map(port).join(" and ")} to ${port(outputs[0])}${scale > 1 ? `, ${scale} times as large` : ""}${fit ? `; ${fit.words}` : ""}`,
    ]),
    ...(model.training
      ? [
          ["Trained on", model.training.data],
          ["Trained by", `${model.training.recipe}: ${model.training.steps.toLocaleString("en")} steps, ${Math.round(model.training.seconds / 60)} minutes on ${model.training.hardware}`],
        ]
      : []),
    ["SHA-256", h("code", {}, model.weights)],
  ];
  const table = h("dl", { class: "facts" }, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  const figures = model.metrics.length
    ? h(
        "details",
        { class: "figures", open: model.metrics.length < 12 },
        h("summary", {}, "Figures"),
        h(
          "div",
          { class: "scroll", tabIndex: 0 },
          h(
            "table",
            {},
            h("thead", {}, h("tr", {}, ["figure", "value", "baseline", "pictures"].map((name) => h("th", { scope: "col" }, name)))),
            h(
              "tbody",
              {},
              model.metrics.map((one) =>
                h(
                  "tr",
                  { title: `${one.protocol}\n${one.command}` },
                  h("th", { scope: "row" }, one.name.replaceAll("_", " ")),
                  h("td", {}, number(one.value), one.stderr ? ` ± ${number(one.stderr)}` : ""),
                  h("td", {}, number(one.baseline)),
                  h("td", {}, `${one.n} of ${one.split}`),
                ),
              ),
            ),
          ),
        ),
      )
    : null;
  const urls = [];
  const picture = async () => {
    const url = URL.createObjectURL(await engine.picture(model.id));
    urls.push(url);
    return url;
  };
  panel.append(...[table, figures, h("article", { class: "prose" }, markdown(model.card, model.picture ? [`${model.id}.jpg`, picture] : null))].filter(Boolean));
  return () => urls.forEach((url) => URL.revokeObjectURL(url));
}
