// The page: a list of all models, and for each one a part for everything that its interface says it can.

import { button, h, icon, report, say } from "./dom.js";
import { home } from "./home.js";
import { partsOf } from "./parts.js";
import { engine as choose } from "./engine.js";
import { controls, usual } from "./told.js";

const engine = choose();
const main = document.getElementById("main");
const banner = document.getElementById("banner");
let showing = { id: "", part: "", model: null, close: () => {} };

/** Go to another model or part; the address says where one is. */
const go = (id = "", part = "") => (location.hash = id ? `#/${id}/${part}` : "#/");

function theme() {
  const set = (value) => {
    if (value) document.documentElement.dataset.theme = value;
    else delete document.documentElement.dataset.theme;
  };
  const dark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  set(localStorage.getItem("zoo-theme"));
  const flip = button("", { symbol: "sun", quiet: true, label: "Light or dark", onclick: () => change() });
  const look = () => flip.replaceChildren(icon(dark() ? "sun" : "moon"));
  const change = () => {
    const next = dark() ? "light" : "dark";
    localStorage.setItem("zoo-theme", next);
    set(next);
    look();
  };
  look();
  return flip;
}

function bar() {
  const mark = h("img", { src: "page/icon.svg", alt: "", width: 26, height: 26 });
  document.getElementById("bar").append(
    h("a", { class: "brand", href: "#/" }, mark, h("span", {}, "latent zoo")),
    h("nav", { class: "where", "aria-label": "Where you are", id: "where" }),
    theme(),
  );
}

function where(model) {
  document.title = model ? `${model.id} · latent zoo` : "latent zoo";
  document
    .getElementById("where")
    .replaceChildren(...(model ? [h("a", { href: "#/" }, icon("back"), "All models"), h("span", {}, model.id)] : []));
}

async function show() {
  const [id = "", part = ""] = decodeURIComponent(location.hash.replace(/^#\/?/, "")).split("/");
  if (id && id === showing.id && showing.model) return open(part);
  showing.close();
  const mine = { id, part: "", model: null, close: () => {} };
  showing = mine;
  const [model, all] = await Promise.all([id ? engine.model(id) : null, id ? null : home(engine)]);
  if (mine !== showing) return; // one has gone on while this was on its way
  if (!id) {
    where(null);
    main.replaceChildren(all);
    return;
  }
  showing.model = model;
  model.told = usual(model);
  engine.told.set(id, model.told);
  where(model);
  showing.parts = partsOf(model);
  showing.state = { picked: null, a: null, b: null };
  const told = controls(model, () => dispatchEvent(new Event("zoo-again")));
  main.replaceChildren(...[head(model), tabs(model), told, h("section", { class: "panel", id: "panel" })].filter(Boolean));
  open(part);
}

function head(model) {
  const task = model.task ? h("span", { class: "chip" }, model.task) : null;
  return h("div", { class: "title" }, h("h1", {}, model.id, task), h("p", { class: "lead" }, model.summary, "."));
}

function tabs(model) {
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": `What ${model.id} can do` });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...list.children];
    const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    next.focus();
    next.click();
  });
  for (const part of showing.parts) {
    const pick = () => go(model.id, part.key);
    list.append(h("button", { type: "button", role: "tab", id: `tab-${part.key}`, "aria-controls": "panel", onclick: pick }, part.title));
  }
  return list;
}

async function open(key) {
  const part = showing.parts?.find((one) => one.key === key) ?? showing.parts?.[0];
  if (!part || showing.part === part.key) return;
  showing.close();
  showing.part = part.key;
  const leaving = new AbortController();
  let close = () => {};
  showing.close = () => {
    leaving.abort();
    close();
  };
  for (const tab of main.querySelectorAll("[role=tab]")) {
    const chosen = tab.id === `tab-${part.key}`;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
    if (chosen) tab.scrollIntoView({ block: "nearest", inline: "center" });
  }
  const panel = h("section", { class: `panel is-${part.key}`, id: "panel", role: "tabpanel", "aria-labelledby": `tab-${part.key}` });
  panel.setAttribute("aria-busy", "true");
  document.getElementById("panel").replaceWith(panel);
  const { id, model, state } = showing;
  const { signal } = leaving;
  try {
    const module = await part.load();
    if (signal.aborted) return;
    close = (await module.open({ engine, model, state, panel, signal, go: (other) => go(id, other) })) ?? close;
    if (signal.aborted) close(); // one has gone on while the part was being made
  } catch (error) {
    if (signal.aborted) return;
    showing.part = ""; // so that it can be opened again
    panel.append(h("p", { class: "failed", role: "alert" }, error.message || String(error)));
  } finally {
    panel.setAttribute("aria-busy", "false");
  }
}

function watch() {
  engine.onlost = () => {
    banner.replaceChildren(
      h("strong", {}, "The server has stopped."),
      " Start it again with the same port and token; this page goes on when it answers.",
    );
    banner.hidden = false;
  };
  engine.onback = () => {
    banner.hidden = true;
    say("The server answers again.");
    dispatchEvent(new Event("zoo-again"));
    if (!main.querySelector(".panel") || main.querySelector(".panel > .failed")) start().catch(refuse);
  };
}

function refuse(error) {
  const again = error.status === 401 || error.status === 403;
  main.replaceChildren(
    h(
      "div",
      { class: "empty" },
      h("h1", {}, again ? "This address is not complete" : "That did not work"),
      h("p", {}, again ? "Open the address that `zoo ui` shows in the terminal: it holds a token that lets this page in." : error.message),
      again ? null : h("p", {}, h("a", { href: "#/" }, "All models")),
    ),
  );
}

async function start() {
  if (/^#?\/?$/.test(location.hash)) {
    const { first } = await engine.models();
    if (first) history.replaceState(null, "", `#/${first}/`);
  }
  await show();
}

bar();
watch();
addEventListener("hashchange", () => {
  if (engine.admit()) showing.id = ""; // the address was pasted once more
  (showing.id ? show() : start()).catch(refuse);
});
addEventListener("unhandledrejection", (event) => report(event.reason));
start().catch(refuse);
