"""The page in Chromium: how soon `zoo ui` answers, how soon a slider's picture comes, and what a minute of it leaves.

apt-get install chromium && pip install 'latent-zoo[ui]' playwright && python benchmarks/browser.py

`--seconds` is how long a slider is moved, 20 times a second. ZOO_WEB_RUNTIME names the archive of onnxruntime-web.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from chromium import chromium, renderers, resident, zoo_ui, zoo_web
from measure import once
from playwright.sync_api import Browser, CDPSession, Page

from zoo.inference.model import Model
from zoo.loading import load
from zoo.web.space import explored

MODELS = ("conv-vae.faces", "conv-vae.faces128")
STARTS = 11
SINGLE = 60
LAST = 1.5
# One event after another, each when the picture of the one before is on the canvas: milliseconds from event to picture.
ALONE = """async (count) => {
    const slider = document.querySelector("input[aria-label='Direction 1']");
    const found = [];
    for (let k = 0; k < count; k++) {
        slider.value = 3 * Math.sin(k);
        const painted = new Promise((done) => (window.painted = done));
        const began = performance.now();
        slider.dispatchEvent(new Event('input'));
        await painted;
        found.push(performance.now() - began);
        await new Promise((done) => setTimeout(done, 20));
    }
    return found;
}"""
# Every 50 ms an event, whether or not its picture has come; the last one says where the slider ends.
STREAM = """async ([seconds, last]) => {
    const slider = document.querySelector("input[aria-label='Direction 1']");
    window.pictures = 0;
    const to = (value) => { slider.value = value; slider.dispatchEvent(new Event('input')); };
    const began = performance.now();
    for (let k = 0; performance.now() - began < 1000 * seconds; k++) {
        to(3 * Math.sin(k / 5));
        await new Promise((done) => setTimeout(done, Math.max(0, began + 50 * (k + 1) - performance.now())));
    }
    to(last);
    return window.pictures;
}"""
WATCH = """const put = CanvasRenderingContext2D.prototype.putImageData;
CanvasRenderingContext2D.prototype.putImageData = function (...given) {
    put.apply(this, given);
    if (!this.canvas.closest?.('.frame')) return;
    window.pictures = (window.pictures ?? 0) + 1;
    window.painted?.();
};"""
SHOWN = """() => { const canvas = document.querySelector('.frame canvas');
    return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]; }"""


def heap(session: CDPSession) -> float:
    """What the page's own JavaScript holds after a collection, in MiB."""
    session.send("HeapProfiler.collectGarbage")
    metrics: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    return float(next(row["value"] for row in metrics if row["name"] == "JSHeapUsedSize")) / 2**20


def wanted(model: Model) -> np.ndarray:
    """The picture (H, W, C) in levels where the slider ends."""
    space = explored(model)
    latent = model.draw(1) + LAST * space.spread[0] * space.axes[:1]
    made: np.ndarray = np.rint(model.decode(latent.astype(np.float32))[0].transpose(1, 2, 0) * 255)
    return made


def apart(page: Page, expected: np.ndarray) -> int:
    """The levels by which the canvas differs from a picture, once nothing is under way."""
    best = 255
    for _ in range(50):
        shown = np.array(page.evaluate(SHOWN), int).reshape(*expected.shape[:2], 4)[:, :, : expected.shape[2]]
        best = int(np.abs(shown - expected).max())
        if best <= 2:
            break
        time.sleep(0.1)
    return best


def slide(page: Page, address: str, model: str, seconds: float, server: int) -> str:
    """A line of the table: a slider of the part Explore, alone and then moved for a while."""
    page.goto("about:blank")
    page.goto(f"{address}/{model}/explore")
    page.wait_for_selector("input[aria-label='Direction 1']", timeout=120_000)
    page.wait_for_selector(".panel[aria-busy=false]")
    page.evaluate(ALONE, 10)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    alone = statistics.median(page.evaluate(ALONE, SINGLE))
    page.evaluate(STREAM, [min(seconds, 5), 0])  # until memory has its size
    before = heap(session), renderers(), resident(server) if server else 0.0
    pictures = page.evaluate(STREAM, [seconds, LAST])
    wrong = apart(page, wanted(load(model)))
    after = heap(session), renderers(), resident(server) if server else 0.0
    memory = " | ".join(f"{a:.1f} / {b:.1f}" for a, b in zip(before, after, strict=True))
    where = "server" if server else "browser"
    return f"| `{model}`, {where} | {alone:.0f} ms | {pictures / seconds:.1f} | {memory} | {wrong} |"


def starts() -> None:
    """How soon `zoo ui` answers, in turn with `zoo list`."""
    once([sys.executable, "-m", "zoo", "list"])
    pairs, idle = [], []
    for _ in range(STARTS):
        with zoo_ui() as (process, _, seconds):
            idle.append(resident(process))
        pairs.append((seconds, once([sys.executable, "-m", "zoo", "list"]).seconds))
    ui, listed = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print("| `zoo ui` answers / `zoo list` | ratio | memory when it answers |\n|---|---|---|")
    print(f"| {ui:.2f} / {listed:.2f} s | {ratio:.2f} | {statistics.median(idle):.0f} MiB |\n", flush=True)


def sliders(browser: Browser, seconds: float) -> None:
    """A slider on the server and in the browser."""
    print("| slider | event to picture | pictures a second at 20 events | page's heap, MiB, before / after | "
          "renderer | server | levels from right |\n|---|---|---|---|---|---|---|")  # fmt: skip
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    context.add_init_script(WATCH)
    with zoo_ui() as (process, address, _):
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector(".gallery")
        for model in MODELS:
            print(slide(page, f"{address}&", model, seconds, process), flush=True)
        page.close()
    with tempfile.TemporaryDirectory() as folder, zoo_web(Path(folder), *MODELS) as (_, hosted):
        page = context.new_page()
        for model in MODELS:
            print(slide(page, f"{hosted.address}#", model, seconds, 0), flush=True)
    context.close()


def first_picture(browser: Browser) -> None:
    """What the static page of the colorizer loads until the first photo has its colours."""
    with tempfile.TemporaryDirectory() as folder, zoo_web(Path(folder), "colorize") as (_, hosted):
        seconds = []
        for visit in ("first visit", "again, from the cache"):
            if visit == "first visit":
                context = browser.new_context()
            hosted.sent = 0
            page = context.new_page()
            began = time.perf_counter()
            page.goto(hosted.address)
            page.get_by_role("button", name="Try a sample").click()
            page.wait_for_function("() => document.querySelector('.compare .after')?.naturalWidth > 0", timeout=120_000)
            seconds.append((visit, time.perf_counter() - began, hosted.sent / 1e6))
            page.close()
        context.close()
    print("\n| static colorizer, sample photo | seconds to its colours | MB sent, not compressed |\n|---|---|---|")
    for visit, took, sent in seconds:
        print(f"| {visit} | {took:.1f} | {sent:.1f} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long a slider is moved")
    seconds = parser.parse_args().seconds
    starts()
    with chromium() as browser:
        sliders(browser, seconds)
        first_picture(browser)


if __name__ == "__main__":
    main()
