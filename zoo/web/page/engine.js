// Who runs the models: the server that gave this page or, on a static site, this browser. The page says which.

const kind = document.querySelector("meta[name='zoo-engine']")?.content ?? "server";
const { Engine } = await (kind === "browser" ? import("./local/engine.js") : import("./server.js"));

export const engine = () => new Engine();
