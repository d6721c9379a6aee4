// Where pictures come in: dropped, pasted, chosen as files or a folder, taken with the camera, or a sample.

import { acting, button, h, report } from "./dom.js";
import { filesOf, isPicture, toBlob } from "./pixels.js";

const MOST = 200;

export function intake({ sample, onfiles }) {
  const one = h("input", { type: "file", accept: "image/*,.heic,.tif,.tiff", multiple: true, hidden: true });
  const folder = h("input", { type: "file", webkitdirectory: true, hidden: true });
  const lens = h("div", { class: "lens", hidden: true });
  let stream = null;
  let closed = false;

  const give = (files) => {
    const pictures = [...files].filter(isPicture);
    if (!pictures.length) return report(new Error("There is no picture among these files."));
    if (pictures.length > MOST) report(new Error(`Of ${pictures.length} pictures the first ${MOST} are taken; zoo run takes any number.`));
    Promise.resolve(onfiles(pictures.slice(0, MOST))).catch(report);
  };
  for (const input of [one, folder])
    input.addEventListener("change", () => {
      give(input.files);
      input.value = "";
    });

  const actions = h(
    "div",
    { class: "row" },
    button("Choose pictures", { symbol: "upload", main: true, onclick: () => one.click() }),
    button("A folder", { symbol: "folder", onclick: () => folder.click() }),
    acting("Camera", { symbol: "camera", onclick: () => camera() }),
    sample ? acting("Try a sample", { symbol: "sparkle", class: "button sample", onclick: () => trySample() }) : null,
  );
  const element = h(
    "div",
    { class: "intake" },
    h("p", { class: "hint" }, h("strong", {}, "Drop pictures here"), h("span", {}, "or paste one. They stay on this machine.")),
    actions,
    lens,
    one,
    folder,
  );

  async function trySample() {
    const blob = await sample();
    give([new File([blob], `sample.${blob.type === "image/jpeg" ? "jpg" : "png"}`, { type: blob.type })]);
  }

  async function camera() {
    if (stream) return stop();
    if (!navigator.mediaDevices) throw new Error("A camera is for pages over https, or from this machine.");
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
    if (closed) return stop();
    const seen = () => (shoot.disabled = false);
    const video = h("video", { autoplay: true, muted: true, playsInline: true, srcObject: stream, onloadeddata: seen, "aria-label": "What the camera sees" });
    const shoot = button("Take the picture", {
      symbol: "camera",
      main: true,
      disabled: true,
      onclick: async () => {
        const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
        canvas.getContext("2d").drawImage(video, 0, 0);
        give([new File([await toBlob(canvas)], "camera.png", { type: "image/png" })]);
        stop();
      },
    });
    lens.replaceChildren(video, shoot);
    lens.hidden = false;
  }

  function stop() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    lens.hidden = true;
    lens.replaceChildren();
  }

  const over = (event) => {
    event.preventDefault();
    element.classList.add("over");
  };
  const out = (event) => event.relatedTarget === null && element.classList.remove("over");
  const drop = (event) => {
    event.preventDefault();
    element.classList.remove("over");
    filesOf(event.dataTransfer).then(give, report);
  };
  const paste = (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) give(files);
  };
  addEventListener("dragover", over);
  addEventListener("dragleave", out);
  addEventListener("drop", drop);
  addEventListener("paste", paste);

  return {
    element,
    compact: () => element.classList.add("compact"),
    close() {
      closed = true;
      stop();
      removeEventListener("dragover", over);
      removeEventListener("dragleave", out);
      removeEventListener("drop", drop);
      removeEventListener("paste", paste);
    },
  };
}
