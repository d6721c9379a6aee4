// A model's job on pictures: dropped, pasted, chosen, of a folder or the camera; before and after.

import { commands, line, loaded } from "../commands.js";
import { compare } from "../compare.js";
import { acting, h, latest, report, save, say, slider } from "../dom.js";
import { intake } from "../intake.js";
import { bitmapOf, shrunk, zip } from "../pixels.js";
import { given, words } from "../told.js";

// While a slider moves, this many pixels a side are enough to see what comes.
const PREVIEW = 900;
const CANDIDATES = 6;

export function open({ engine, model, panel, signal }) {
  const role = model.interface.roles.translate;
  const items = [];
  const how = { strength: 1, candidate: 0, fromPhoto: false };
  let current = null;
  const view = compare();
  const strip = h("div", { class: "strip", role: "listbox", "aria-label": "Pictures" });
  const notes = h("p", { class: "small notes" });
  const command = commands();
  const several = h("div", { class: "candidates", hidden: true });
  const controls = h("div", { class: "controls" });
  const work = h("div", { class: "work", hidden: true }, h("div", { class: "stage" }, view.element, strip), controls);
  const input = intake({ sample: () => engine.sample(model.id), onfiles: add });
  panel.append(input.element, work);

  if (role.fit.strength)
    controls.append(
      slider("Colour strength", {
        max: 2,
        step: 0.05,
        value: 1,
        oninput: (value) => {
          how.strength = value;
          refresh();
        },
      }).element,
    );
  if (role.fit.of_drawings && engine.tracesPhotos !== false) controls.append(photo());
  if (model.interface.roles.candidates) controls.append(more(), several);
  const all = acting("Download all as a zip", { symbol: "download", hidden: true, onclick: everything });
  controls.append(
    h("div", { class: "row" }, acting("Download", { symbol: "download", main: true, onclick: one }), all),
    notes,
    command.element,
  );

  function photo() {
    const box = h("input", {
      type: "checkbox",
      onchange: () => {
        how.fromPhoto = box.checked;
        refresh();
      },
    });
    return h("label", { class: "tick" }, box, h("span", {}, "It is a photo: draw its lines first"));
  }

  function more() {
    return acting("Other likely answers", { symbol: "sparkle", onclick: candidates });
  }

  async function add(files) {
    const made = await Promise.all(
      files.map(async (file) => {
        const bitmap = await bitmapOf(file);
        const small = bitmap ? await shrunk(bitmap, PREVIEW) : file;
        return { file, name: file.name || "picture.png", small, url: bitmap ? URL.createObjectURL(small) : "", again: !bitmap };
      }),
    );
    items.push(...made);
    input.compact();
    work.hidden = false;
    all.hidden = items.length < 2;
    strip.hidden = items.length < 2;
    for (const item of made) {
      item.thumb = h(
        "button",
        { type: "button", role: "option", title: item.name, "aria-label": item.name, onclick: () => choose(item) },
        item.url ? h("img", { src: item.url, alt: "" }) : item.name.split(".").pop(),
      );
      strip.append(item.thumb);
    }
    choose(made[0]);
  }

  function choose(item) {
    if (!item) return;
    current = item;
    how.candidate = 0;
    several.hidden = true;
    for (const other of items) other.thumb.setAttribute("aria-selected", other === item);
    view.before(item.url, item.name);
    refresh();
  }

  const refresh = latest(async () => {
    tell();
    const item = current;
    view.busy(true);
    try {
      const { blob, notes: said } = await engine.translate(model.id, item.small, { ...how, format: "png", lane: "translate" });
      if (item !== current) return;
      view.after(blob);
      notes.textContent = said.join("; ");
      say("The result is there.");
    } finally {
      view.busy(false);
    }
  });

  async function candidates() {
    several.hidden = false;
    several.replaceChildren();
    const item = current;
    for (let number = 0; number < CANDIDATES && item === current; number++) {
      const { blob } = await engine.translate(model.id, item.small, { ...how, candidate: number, format: "jpeg" });
      if (item !== current) return;
      const url = URL.createObjectURL(blob);
      const pick = h(
        "button",
        {
          type: "button",
          "aria-label": `Answer ${number + 1}`,
          "aria-pressed": String(number === how.candidate),
          onclick: () => {
            how.candidate = number;
            for (const other of several.children) other.setAttribute("aria-pressed", String(other === pick));
            refresh();
          },
        },
        h("img", { src: url, alt: "", onload: () => URL.revokeObjectURL(url) }),
      );
      several.append(pick);
    }
  }

  const named = (item) => {
    const dot = item.name.lastIndexOf(".");
    return `${dot > 0 ? item.name.slice(0, dot) : item.name}.${model.task ?? "out"}`;
  };
  const full = (item) => engine.translate(model.id, item.file, { ...how, candidate: item === current ? how.candidate : 0 });
  const suffix = (blob) => `.${{ "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/tiff": "tiff" }[blob.type] ?? "png"}`;

  async function one() {
    const { blob } = await full(current);
    save(blob, named(current) + suffix(blob));
  }

  async function everything() {
    const files = [];
    const failed = [];
    for (const item of items) {
      try {
        const { blob } = await full(item);
        const name = named(item) + suffix(blob);
        const taken = files.filter(([other]) => other === name || other.endsWith(`/${name}`)).length;
        files.push([taken ? `${taken + 1}/${name}` : name, blob]);
      } catch (error) {
        failed.push(`${item.name}: ${error.message}`);
      }
      say(`${files.length} of ${items.length}`);
    }
    if (files.length) save(await zip(files), `${model.task ?? model.id}.zip`);
    if (failed.length) report(new Error(failed.join("; ")));
  }

  function tell() {
    const name = current.file.name || "picture.png";
    const options = [
      ...(how.strength !== 1 ? ["--strength", how.strength] : []),
      ...(how.candidate ? ["--candidates", how.candidate + 1] : []),
      ...(how.fromPhoto ? ["--from-photo"] : []),
      ...words({ told: { set: model.told.set } }),
    ];
    const called = model.default ? model.task : model.name;
    const strength = how.strength !== 1 ? `, strength=${how.strength}` : "";
    const call = how.candidate
      ? `model.candidates(${JSON.stringify(name)}, ${how.candidate + 1}${strength})[-1:]`
      : `model.translate(${JSON.stringify(name)}${strength}${given(model, false)})`;
    command.set(
      line("zoo", "run", called, name, ...options),
      how.fromPhoto ? "" : `${loaded(model)}made = ${call}\nzoo.write_images(made, ["made.png"])`,
    );
  }

  addEventListener("zoo-again", () => current && refresh(), { signal });
  return () => {
    input.close();
    view.close();
    for (const item of items) if (item.url) URL.revokeObjectURL(item.url);
  };
}
