// The latent of a picture, for a model that only encodes.

import { commands, line, loaded } from "../commands.js";
import { button, h, latest, save } from "../dom.js";
import { intake } from "../intake.js";

export function open({ engine, model, panel }) {
  const chart = h("canvas", { class: "bars", width: 960, height: 240, role: "img" });
  const picture = h("img", { alt: "", class: "seen" });
  const facts = h("p", { class: "small" });
  const command = commands();
  const shown = h("div", { class: "work", hidden: true }, h("div", { class: "stage" }, chart, facts), h("div", { class: "controls" }, picture));
  let latent = null;
  const show = latest(look);
  const input = intake({ sample: () => engine.sample(model.id), onfiles: show });
  const download = button("Download the numbers", {
    symbol: "download",
    onclick: () => save(new Blob([JSON.stringify([...latent])], { type: "application/json" }), "latent.json"),
  });
  panel.append(input.element, shown, command.element);
  shown.lastChild.append(download);

  async function look([file]) {
    latent = await engine.encode(model.id, file);
    shown.hidden = false;
    input.compact();
    URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(file);
    const most = latent.reduce((far, x) => Math.max(far, Math.abs(x)), 1e-6);
    const context = chart.getContext("2d");
    context.clearRect(0, 0, chart.width, chart.height);
    context.fillStyle = getComputedStyle(chart).getPropertyValue("--accent");
    const width = chart.width / latent.length;
    latent.forEach((x, i) => {
      const height = (x / most) * (chart.height / 2 - 4);
      context.fillRect(i * width, chart.height / 2 - Math.max(height, 0), Math.max(1, width - 1), Math.max(1, Math.abs(height)));
    });
    chart.setAttribute("aria-label", `${latent.length} numbers between ${(-most).toFixed(2)} and ${most.toFixed(2)}`);
    facts.textContent = `${latent.length} numbers; the tallest bar is ${most.toFixed(2)}.`;
    const name = file.name || "picture.png";
    command.set(line("zoo", "encode", model.name, name), `${loaded(model)}latent = model.encode(${JSON.stringify(name)})[0]`);
  }

  return () => input.close();
}
