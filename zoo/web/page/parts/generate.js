// New pictures of a seed, as a grid; any of them can be moved about in or blended with another.

import { commands, line, loaded } from "../commands.js";
import { button, h, latest, save, say } from "../dom.js";
import { paint, toBlob } from "../pixels.js";
import { given, words } from "../told.js";
import { anySeed, decodeAll, drawn, sideOf } from "../places.js";

export function open({ engine, model, panel, state, go, signal: leaving }) {
  const side = sideOf(model);
  const count = side <= 64 ? 24 : side <= 128 ? 12 : 6;
  const seed = h("input", { type: "number", min: 0, max: 2 ** 32, value: state.seed ?? 0, "aria-label": "Seed" });
  const grid = h("div", { class: `grid ${side <= 64 ? "fine" : side > 128 ? "coarse" : ""}` });
  const tray = h("aside", { class: "tray", hidden: true });
  const large = h("canvas", { role: "img", "aria-label": "The chosen picture" });
  const command = commands();
  let chosen = null;
  let stop = new AbortController();

  const again = () => {
    stop.abort(); // what is under way for another seed
    show();
  };
  seed.addEventListener("input", again);
  panel.append(
    h(
      "div",
      { class: "row tools" },
      h("label", { class: "field" }, h("span", {}, "Seed"), seed),
      button("Another seed", {
        symbol: "dice",
        main: true,
        onclick: () => {
          seed.value = anySeed();
          again();
        },
      }),
    ),
    h("div", { class: "split" }, grid, tray),
    command.element,
  );
  tray.append(
    large,
    h(
      "div",
      { class: "stack" },
      button("Explore around it", { symbol: "sliders", main: true, onclick: () => use("picked", "explore") }),
      button("Blend: from this", { symbol: "swap", onclick: () => use("a", "blend") }),
      button("Blend: to this", { symbol: "swap", onclick: () => use("b", "blend") }),
      button("Download", { symbol: "download", onclick: async () => save(await toBlob(large), `seed-${chosen.seed}-${chosen.draw}.png`) }),
    ),
  );

  function use(name, part) {
    state[name] = chosen;
    go(part);
  }

  const cells = Array.from({ length: count }, (_, i) => {
    const canvas = h("canvas", { width: side, height: side });
    const cell = h("button", { type: "button", "aria-label": `Draw ${i + 1}`, "aria-pressed": "false", disabled: true }, canvas);
    grid.append(cell);
    return { cell, canvas };
  });

  const show = latest(async () => {
    const value = Math.max(0, Math.floor(Number(seed.value) || 0));
    state.seed = value;
    stop = new AbortController();
    const { signal } = stop;
    tell(value);
    grid.classList.add("waiting");
    const places = await drawn(engine, model, count, value, { signal });
    let first = true;
    await decodeAll(
      engine,
      model,
      places.map((place) => place.z),
      (pictures, i, k) => {
        if (first) grid.classList.remove("waiting");
        first = false;
        paint(cells[k].canvas, pictures, i);
        cells[k].cell.disabled = false;
        cells[k].cell.onclick = () => pick(places[k], cells[k], pictures, i);
        const same = chosen?.draw === k && chosen.seed === value;
        cells[k].cell.setAttribute("aria-pressed", String(same));
        if (same) pick(places[k], cells[k], pictures, i);
      },
      { signal, lane: "generate" },
    );
    if (!signal.aborted) say(`${count} pictures of seed ${value}`);
  });

  function pick(place, { cell }, pictures, i) {
    chosen = place;
    tray.hidden = false;
    paint(large, pictures, i);
    for (const other of grid.children) other.setAttribute("aria-pressed", String(other === cell));
  }

  function tell(value) {
    command.set(
      line("zoo", "generate", model.name, "-n", count, "--seed", value, ...words(model)),
      `${loaded(model)}made = model.generate(${count}, seed=${value}${given(model)})\nzoo.write_images(made, "made")`,
    );
  }

  addEventListener("zoo-again", again, { signal: leaving });
  show();
  return () => stop.abort();
}
