// The command line and the Python that make what is on the screen.

import { button, h } from "./dom.js";

const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
const python = (value) => JSON.stringify(value);

/** Words of a command line, quoted where a shell needs it. */
export const line = (...words) => words.filter((word) => word !== "").map((word) => quoted(String(word))).join(" ");

/** A place in the latent space as commands name it. */
export const word = (place) => (place.file ? place.file : place.draw ? `seed:${place.seed}:${place.draw}` : `seed:${place.seed}`);

/** The same in Python. */
export const expression = (place) =>
  place.file
    ? `model.encode(${python(place.file)})[0]`
    : `model.draw(${(place.draw ?? 0) + 1}, seed=${place.seed})[${place.draw ?? 0}]`;

/** What makes the pictures once more; `set` gives it the two texts. */
export function commands() {
  const shell = block("Command line");
  const code = block("Python");
  const element = h("details", { class: "commands" }, h("summary", {}, "The same as a command"), shell.element, code.element);
  return {
    element,
    set(lines, script) {
      shell.set(lines);
      code.set(script);
    },
  };
}

function block(name) {
  const text = h("code", {});
  // Beyond https and this machine a page has no clipboard.
  const copy = button("", { symbol: "copy", quiet: true, label: `Copy: ${name}`, hidden: !navigator.clipboard });
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent);
    copy.classList.add("done");
    setTimeout(() => copy.classList.remove("done"), 1200);
  });
  const element = h("figure", {}, h("figcaption", {}, name), h("pre", { tabIndex: 0 }, text), copy);
  return {
    element,
    set(value) {
      element.hidden = !value;
      text.textContent = value;
    },
  };
}

/** The beginning of every script. */
export const loaded = (model) => `import zoo\n\nmodel = zoo.load(${python(model.name)})\n`;
