// Elements made from plain data: text is always text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties and children; strings become text. `on*` are listeners, `class`, `data-*`, `aria-*` and
 * `role` attributes, the rest properties; what is null or false is left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class" || name === "for" || name === "role" || name.includes("-"))
      element.setAttribute(name, value === true ? "" : value);
    else element[name] = value;
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const PATHS = {
  upload: "M12 15V4m0 0L7.5 8.5M12 4l4.5 4.5M4 15v3a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-3",
  folder: "M3 7a2 2 0 0 1 2-2h4l2 2.5h8a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2z",
  camera: "M4 8h3l1.5-2.5h7L17 8h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1zm8 8.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  sparkle: "M12 4l1.8 5.2L19 11l-5.2 1.8L12 18l-1.8-5.2L5 11l5.2-1.8zM19 4v3m1.5-1.5h-3",
  download: "M12 4v11m0 0l-4.5-4.5M12 15l4.5-4.5M4 17v1a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-1",
  dice: "M6 4h12a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zm2.5 4.5h.01m6.99 0h.01M12 12h.01M8.5 15.5h.01m6.99 0h.01",
  undo: "M8 5L4 9l4 4M4 9h10a5 5 0 0 1 0 10h-4",
  redo: "M16 5l4 4-4 4m4-4H10a5 5 0 0 0 0 10h4",
  trash: "M5 7h14M10 7V5h4v2m-7 0l1 12h8l1-12",
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M8 5.5v13M16 5.5v13",
  copy: "M9 9h10v10H9zM5 15V5h10",
  check: "M5 12.5l4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6L6 18",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm0-13v2m0 14v2M3 12h2m14 0h2M5.6 5.6L7 7m10 10l1.4 1.4M5.6 18.4L7 17M17 7l1.4-1.4",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  back: "M14.5 5.5L8 12l6.5 6.5",
  swap: "M7 4L3.5 7.5 7 11M4 7.5h13M17 13l3.5 3.5L17 20m3-3.5H7",
  sliders: "M4 7h9m4 0h3M4 17h3m4 0h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
};

/** A line drawing of 24 units; decoration only, so hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A button of an icon, words, or both. */
export function button(words, { symbol = "", quiet = false, main = false, label = "", ...properties } = {}) {
  const look = ["button", main && "main", quiet && "quiet", !words && "square"].filter(Boolean).join(" ");
  return h(
    "button",
    { type: "button", class: look, "aria-label": label || null, title: words ? null : label, ...properties },
    symbol ? icon(symbol) : null,
    words,
  );
}

/** A slider with its name and value; `show` puts the value in words. */
export function slider(name, { min = 0, max = 1, step = 0.01, value = 0, show = (x) => x.toFixed(2), oninput }) {
  const output = h("output", {}, show(value));
  const input = h("input", { type: "range", min, max, step, value, "aria-label": name });
  const paint = () => {
    output.textContent = show(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
    const share = (x) => (100 * (x - min)) / (max - min);
    const ends = [share(min < 0 ? 0 : min), share(input.value)].sort((a, b) => a - b);
    ["--from", "--to"].forEach((name, i) => input.style.setProperty(name, `${ends[i]}%`));
  };
  input.addEventListener("input", () => {
    paint();
    oninput(Number(input.value));
  });
  paint();
  const label = h("label", { class: "slider" }, h("span", {}, name), output, input);
  return {
    element: label,
    input,
    get value() {
      return Number(input.value);
    },
    set value(x) {
      input.value = x;
      paint();
    },
  };
}

/** A few choices of which one holds, as radio buttons that look like one control. */
export function choice(name, options, value, onchange) {
  const group = `choice-${Math.random().toString(36).slice(2)}`;
  return h(
    "fieldset",
    { class: "choice" },
    h("legend", { class: "unseen" }, name),
    options.map(([key, words]) =>
      h(
        "label",
        {},
        h("input", { type: "radio", name: group, value: key, checked: key === value, onchange: () => onchange(key) }),
        h("span", {}, words),
      ),
    ),
  );
}

/** Say something to screen readers. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** Whether somebody asked for less motion. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Runs one at a time: while one runs, only the newest call is remembered, so that what is stale is never computed. */
export function latest(run, fail = report) {
  let busy = false;
  let next = null;
  return async (...given) => {
    next = given;
    if (busy) return;
    busy = true;
    while (next) {
      const now = next;
      next = null;
      try {
        await run(...now);
      } catch (error) {
        fail(error);
      }
    }
    busy = false;
  };
}

/** A button that is off while what it does is done, so that it is not done twice at once. */
export function acting(words, { onclick, ...properties }) {
  const element = button(words, {
    ...properties,
    onclick: async () => {
      const held = document.activeElement === element;
      element.disabled = true;
      await Promise.resolve(onclick()).catch(report);
      element.disabled = false;
      if (held && document.activeElement === document.body) element.focus();
    },
  });
  return element;
}

let timer = 0;
/** Show what went wrong for a while, in one line. */
export function report(error) {
  if (error.name === "AbortError" || error.status === 409) return;
  const line = h("div", { class: "toast", role: "alert" }, error.message || String(error));
  document.querySelector(".toast")?.remove();
  document.body.append(line);
  clearTimeout(timer);
  timer = setTimeout(() => line.remove(), 9000);
}

/** Let the browser save a blob under a name. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
