"""`zoo run` on a cached model of the Hub beside the bundled one, in turn: python benchmarks/hub_cached.py

The cached one is put into a cache of its own as a download would leave it. No request is made: the endpoint is an
address where nobody answers. Wanted is a ratio of at most 1.15.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
CHECKPOINT = ROOT / "plugins" / "zoo_colorizer" / "checkpoints" / "photos"
BUNDLED, REPOSITORY, COMMIT = "colorizer-ae.photos", "ana/colorizer", "0123456789" * 4
ROUNDS = 9


def put_into_cache(home: Path) -> None:
    """The checkpoint as files of a commit, with the record of a download that was verified."""
    os.environ["HF_HOME"] = str(home)
    from zoo.checkpoints.hub import cache
    from zoo.checkpoints.hub.cache import Promise, Record

    folder = cache.snapshot(REPOSITORY, COMMIT)
    folder.parent.mkdir(parents=True)
    shutil.copytree(CHECKPOINT, folder)
    files = {}
    for path in folder.iterdir():
        data = path.read_bytes()
        files[path.name] = Promise(len(data), "sha256", hashlib.sha256(data).hexdigest(), cache.state(path))
    cache.write_record(REPOSITORY, COMMIT, Record(files, tuple(files), introduced=True))


def seconds(name: str, picture: Path, environment: dict[str, str]) -> float:
    """One cold process from start to end."""
    words = [sys.executable, "-m", "zoo", "run", name, str(picture), "-o", str(picture.with_name("out.png")), "-f"]
    start = time.perf_counter()
    subprocess.run(words, check=True, env=environment, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as place:
        put_into_cache(Path(place) / "hf")
        picture = Path(place) / "picture.jpg"
        Image.radial_gradient("L").resize((512, 384)).save(picture)
        environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9"}
        names = {"bundled": BUNDLED, "cached": f"hub:{REPOSITORY}@{COMMIT}"}
        times: dict[str, list[float]] = {kind: [] for kind in names}
        for _ in range(ROUNDS):
            for kind, name in names.items():
                times[kind].append(seconds(name, picture, environment))
    for kind, taken in times.items():
        print(f"{kind:8} median {statistics.median(taken):.3f} s, least {min(taken):.3f} s")
    print(f"ratio    median {statistics.median(times['cached']) / statistics.median(times['bundled']):.3f}, ", end="")
    print(f"least {min(times['cached']) / min(times['bundled']):.3f} (at most 1.15)")


if __name__ == "__main__":
    main()
