// Which parts a model has: asked of its interface, never of its name.

export function partsOf(model) {
  const { roles, latent } = model.interface;
  const can = (name) => model.can.includes(name);
  const draws = can("generate") && latent.shape.every((length) => length !== null);
  const drawings = roles.translate?.fit.of_drawings;
  const part = (key, title) => ({ key, title, load: () => import(`./parts/${key}.js`) });
  return [
    drawings && part("sketch", "Sketch"),
    can("translate") && part("translate", title(model, drawings)),
    draws && part("generate", "Generate"),
    draws && part("explore", "Explore"),
    can("decode") && (draws || can("encode")) && part("blend", "Blend"),
    draws && latent.shape.reduce((product, length) => product * length, 1) > 1 && part("map", "Map"),
    can("encode") && !can("decode") && part("encode", "Encode"),
    part("card", "About"),
  ].filter(Boolean);
}

function title(model, drawings) {
  if (drawings) return "Pictures";
  const task = model.task ?? "translate";
  return task[0].toUpperCase() + task.slice(1);
}
