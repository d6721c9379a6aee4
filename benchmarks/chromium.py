"""What benchmarks of the page share: Chromium, the servers, and the memory of their processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import Browser, sync_playwright

from zoo.catalog.registry import Registry
from zoo.web.runtime import runtime_files
from zoo.web.shelf import Shelf
from zoo.web.site import build_site


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        sys.exit("there is no Chromium: apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def zoo_ui(*words: str) -> Iterator[tuple[int, str, float]]:
    """`zoo ui` in a process: its id, its address, and the seconds until it answered."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "zoo", "ui", "--no-browser", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            urlopen(address.partition("#")[0] + "health").close()
            yield process.pid, address, time.perf_counter() - began
        finally:
            process.terminate()


class Hosted:
    """A static site on a plain file server, which counts what it sends."""

    def __init__(self, folder: Path) -> None:
        host = self
        self.sent = 0

        class Counting(SimpleHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def copyfile(self, source: Any, outputfile: Any) -> None:
                data = source.read()
                host.sent += len(data)
                outputfile.write(data)

        Counting.extensions_map = {**Counting.extensions_map, ".mjs": "text/javascript"}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Counting, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@contextmanager
def zoo_web(folder: Path, *names: str) -> Iterator[tuple[Shelf, Hosted]]:
    """A static site of models in `folder`, served; the runtime is that of ZOO_WEB_RUNTIME, else of npm."""
    where = os.environ.get("ZOO_WEB_RUNTIME")
    shelf = Shelf(Registry.discover())
    build_site(shelf, names, folder / "site", runtime_files(Path(where) if where else None))
    hosted = Hosted(folder / "site")
    yield shelf, hosted
    hosted.server.shutdown()
    hosted.server.server_close()


def resident(process: int) -> float:
    """The memory that a process holds now, in MiB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def renderers() -> float:
    """The memory that the pages of browsers started from here hold, in MiB: their workers' too."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
    total = 0.0
    for process in parents:
        above = process
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid() and "--type=renderer" in Path(f"/proc/{process}/cmdline").read_text():
            total += resident(process)
    return total
