// Two pictures and what lies between, their sum, and pictures like the first.

import { commands, expression, line, loaded, word } from "../commands.js";
import { button, calm, choice, h, latest, save, slider } from "../dom.js";
import { add, linear, slerp } from "../latents.js";
import { paint, toBlob } from "../pixels.js";
import { anySeed, drawn, encoded, sideOf } from "../places.js";
import { given, words } from "../told.js";

const SECONDS = 2.5;
const LIKE = 12;
const SEED = 7;

export async function open({ engine, model, panel, state, signal }) {
  const canvas = h("canvas", { role: "img", "aria-label": "The picture between the two" });
  const controls = h("div", { class: "controls" });
  const like = h("div", { class: "grid", hidden: true });
  const command = commands();
  let mode = "between";
  let path = "spherical";
  let playing = 0;
  const draws = model.can.includes("generate");
  if (draws) {
    state.a ??= (await drawn(engine, model, 1, 0))[0];
    state.b ??= (await drawn(engine, model, 1, 1))[0];
  }

  const slots = { a: slot("a", "From"), b: slot("b", "To") };
  const frame = h("div", { class: "frame" }, canvas);
  panel.append(
    choice("What to do with the two", [["between", "Between"], ["add", "Add"], ["vary", "Vary the first"]], mode, (value) => {
      mode = value;
      arrange();
    }),
    h("div", { class: "trio" }, slots.a.element, frame, slots.b.element),
    like,
    controls,
    command.element,
  );

  const t = slider("Between", { value: 0.5, step: 0.005, show: (x) => `${Math.round(100 * x)} %`, oninput: () => show() });
  const first = slider("From", { min: -2, max: 2, step: 0.05, value: 1, oninput: () => show() });
  const second = slider("To", { min: -2, max: 2, step: 0.05, value: 1, oninput: () => show() });
  const strength = slider("How different", { max: 1, step: 0.01, value: 0.3, oninput: () => vary() });
  const download = button("Download", { symbol: "download", disabled: true, onclick: async () => save(await toBlob(canvas), "between.png") });
  const play = button("Play", { symbol: "play", onclick: () => toggle() });

  const now = () =>
    mode === "add"
      ? add(state.a.z, state.b.z, [first.value, second.value])
      : (path === "linear" ? linear : slerp)(state.a.z, state.b.z, t.value);

  const show = latest(async () => {
    if (!state.a || !state.b || mode === "vary") return;
    const { shape } = state.a;
    if (String(shape) !== String(state.b.shape)) throw new Error("The latents of this model follow a picture's size: give it two pictures of one size.");
    tell();
    paint(canvas, await engine.decode(model.id, now(), { lane: "blend", shape }));
    download.disabled = false;
  });

  const vary = latest(async () => {
    if (!state.a || mode !== "vary") return;
    tell();
    const pictures = await engine.vary(model.id, state.a.z, { strength: strength.value, n: LIKE, seed: SEED, lane: "vary", shape: state.a.shape });
    for (let k = 0; k < LIKE; k++) paint(like.children[k], pictures, k);
  });

  function slot(name, words) {
    const small = h("canvas", { role: "img", "aria-label": words });
    const seed = h("input", { type: "number", min: 0, value: state[name]?.seed ?? "", "aria-label": `${words}: seed` });
    const set = latest(async (choose) => {
      state[name] = await choose();
      seed.value = state[name].seed ?? "";
      ready();
      show();
      vary();
      await fill();
    });
    const draw = (number) => set(async () => (await drawn(engine, model, 1, number))[0]);
    const fill = latest(async () => paint(small, await engine.decode(model.id, state[name].z, { shape: state[name].shape })));
    seed.addEventListener("change", () => draw(Math.max(0, Math.floor(Number(seed.value) || 0))));
    const file = h("input", { type: "file", accept: "image/*", hidden: true });
    file.addEventListener("change", () => {
      const [chosen] = file.files;
      if (chosen) set(() => encoded(engine, model, chosen));
      file.value = "";
    });
    const element = h(
      "div",
      { class: "slot" },
      h("h3", {}, words),
      small,
      h(
        "div",
        { class: "row" },
        draws ? seed : null,
        draws ? button("", { symbol: "dice", label: `${words}: another seed`, onclick: () => draw(anySeed()) }) : null,
        model.can.includes("encode") ? button("", { symbol: "upload", label: `${words}: a picture`, onclick: () => file.click() }) : null,
        file,
      ),
    );
    return { element, fill };
  }

  /** Nothing moves before there are pictures to move between. */
  function ready() {
    const there = Boolean(state.a && (state.b || mode === "vary"));
    for (const one of [t, first, second, strength]) one.input.disabled = !there;
    play.disabled = !there;
  }

  function arrange() {
    stop();
    ready();
    slots.b.element.hidden = mode === "vary";
    frame.hidden = mode === "vary";
    like.hidden = mode !== "vary";
    if (mode === "vary" && !like.children.length) for (let k = 0; k < LIKE; k++) like.append(h("canvas", {}));
    const arc = choice("The way between", [["spherical", "Arc"], ["linear", "Line"]], path, (value) => {
      path = value;
      show();
    });
    const row = h("div", { class: "row" }, mode === "between" ? [play, arc] : null, download);
    controls.replaceChildren(...{ between: [t.element, row], add: [first.element, second.element, row], vary: [strength.element] }[mode]);
    show();
    vary();
  }

  function stop() {
    cancelAnimationFrame(playing);
    playing = 0;
    play.lastChild.textContent = "Play";
  }

  function toggle() {
    if (playing) return stop();
    play.lastChild.textContent = "Pause";
    const seconds = calm() ? 4 * SECONDS : SECONDS;
    const began = performance.now() - 1000 * seconds * t.value;
    const step = (time) => {
      const at = ((time - began) / 1000 / seconds) % 2;
      t.value = Math.max(0, at > 1 ? 2 - at : at);
      show();
      playing = requestAnimationFrame(step);
    };
    playing = requestAnimationFrame(step);
  }

  function tell() {
    const [a, b] = [state.a, state.b];
    if (a?.moved || b?.moved) return command.set("", "");
    const told = given(model, false);
    const options = words({ told: { set: model.told.set } });
    const made = {
      between: () => [
        line("zoo", "interpolate", model.name, word(a), word(b), "--path", path, ...options, "-o", "between.gif"),
        `model.interpolate(${expression(a)}, ${expression(b)}, 12, "${path}"${told})`,
      ],
      add: () => [
        line("zoo", "add", model.name, word(a), word(b), "--weights", first.value, second.value, ...options),
        `model.add(${expression(a)}, ${expression(b)}, (${first.value}, ${second.value})${told})`,
      ],
      vary: () => [
        line("zoo", "vary", model.name, word(a), "--strength", strength.value, "-n", LIKE, "--seed", SEED, ...options),
        `model.vary(${expression(a)}, ${strength.value}, ${LIKE}, seed=${SEED}${told})`,
      ],
    }[mode]();
    command.set(made[0], `${loaded(model)}made = ${made[1]}\nzoo.write_images(made, "made")`);
  }

  arrange();
  for (const name of ["a", "b"]) if (state[name]) slots[name].fill();
  const back = () => {
    show();
    vary();
  };
  addEventListener("zoo-again", back, { signal });
  return stop;
}
