// Who runs the models: the server that gave this page, or this browser.

import { ServerEngine } from "./server.js";

export const engine = () => new ServerEngine();
