// All models, by task.

import { h } from "./dom.js";

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
const VERBS = { translate: "translates", generate: "generates", encode: "encodes", decode: "decodes" };

export async function home(engine) {
  const { models } = await engine.models();
  const cards = models.map((model) => card(engine, model));
  const search = h("input", {
    type: "search",
    placeholder: "Search models and tasks",
    "aria-label": "Search models",
    oninput: () => {
      const words = search.value.toLowerCase().split(/\s+/);
      models.forEach((model, i) => {
        const text = `${model.id} ${model.task ?? ""} ${model.summary} ${model.can.join(" ")}`.toLowerCase();
        cards[i].hidden = !words.every((word) => text.includes(word));
      });
    },
  });
  return h(
    "div",
    { class: "home" },
    h(
      "div",
      { class: "title" },
      h("h1", {}, "The models"),
      h("p", { class: "lead" }, `${models.length} small image models that run on ${engine.place ?? "this machine"}. What you show them stays there.`),
    ),
    search,
    h("ul", { class: "gallery" }, cards),
  );
}

function card(engine, model) {
  const shown = h("div", { class: "thumb" });
  if (model.picture)
    engine.picture(model.id).then((blob) => {
      const url = URL.createObjectURL(blob);
      const image = h("img", { src: url, alt: "", onload: () => URL.revokeObjectURL(url) });
      shown.append(image);
    }, () => {});
  else shown.append(h("span", { class: "letter", "aria-hidden": "true" }, model.id[0]));
  const facts = [model.can.map((name) => VERBS[name] ?? name).join(", "), megabytes(model.bytes)].join(" · ");
  return h(
    "li",
    {},
    h(
      "a",
      { href: `#/${model.id}/`, class: "card" },
      shown,
      h(
        "div",
        { class: "about" },
        h("h2", {}, model.id),
        model.task ? h("span", { class: `chip${model.default ? " strong" : ""}` }, model.task) : null,
        h("p", {}, model.summary),
        h("p", { class: "small" }, facts),
      ),
    ),
  );
}
