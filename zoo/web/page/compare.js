// Two pictures over each other, and a line between them that is moved by pointer, touch or arrow keys.

import { h } from "./dom.js";

export function compare() {
  const before = h("img", { class: "before", alt: "", ondragstart: (event) => event.preventDefault() });
  const after = h("img", { class: "after", alt: "The result", ondragstart: (event) => event.preventDefault() });
  const handle = h("input", {
    type: "range",
    min: 0,
    max: 100,
    step: 0.5,
    value: 50,
    "aria-label": "How much of the result is shown",
    oninput: () => place(),
  });
  const labels = [h("span", { class: "tag left" }, "before"), h("span", { class: "tag right" }, "after")];
  const element = h("div", { class: "compare" }, before, after, h("div", { class: "edge", "aria-hidden": "true" }), labels, handle);
  let url = "";

  function place() {
    element.style.setProperty("--at", `${handle.value}%`);
    handle.setAttribute("aria-valuetext", `${Math.round(100 - handle.value)} % of the result`);
  }

  place();
  const small = (image) => image.classList.toggle("pixels", Math.max(image.naturalWidth, image.naturalHeight) <= 64);
  after.addEventListener("load", () => {
    small(after);
    element.style.setProperty("--shape", `${after.naturalWidth} / ${after.naturalHeight}`);
    element.style.setProperty("--ratio", after.naturalWidth / after.naturalHeight);
  });
  before.addEventListener("load", () => small(before));

  return {
    element,
    before(source, name) {
      before.hidden = !source;
      labels[0].hidden = !source;
      handle.hidden = !source;
      if (source) before.src = source;
      before.alt = name;
      element.classList.toggle("single", !source);
    },
    after(blob) {
      const old = url;
      url = URL.createObjectURL(blob);
      after.src = url;
      if (old) setTimeout(() => URL.revokeObjectURL(old), 2000);
    },
    busy(is) {
      element.classList.toggle("busy", is);
      element.setAttribute("aria-busy", is);
    },
    close() {
      if (url) URL.revokeObjectURL(url);
    },
  };
}
