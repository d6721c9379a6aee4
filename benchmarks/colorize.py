"""One photo from file to file in a cold process, against the shortest PyTorch script; and large photos.

pip install 'latent-zoo[train]' && python benchmarks/colorize.py
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import HEAD, Run, compare, once, row
from PIL import Image

RUNS = 9
LARGE = {"12 megapixels": (4000, 3000), "50 megapixels": (8192, 6144)}


def photo(path: Path, size: tuple[int, int]) -> Path:
    """A colour JPEG with detail at every scale, from nothing but a seed."""
    rng = np.random.default_rng(0)
    layers = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).resize((512, 512)), np.float32
        )
        for side in (4, 16, 64, 256)
    ]
    pixels = (sum(layers) / len(layers)).astype(np.uint8)
    Image.fromarray(pixels).resize(size).save(path, quality=90)
    return path


def photos(folder: Path, size: tuple[int, int], count: int) -> Path:
    """A new folder `in` of this one with that photo so many times."""
    (folder / "in").mkdir()
    data = photo(folder / "one.jpg", size).read_bytes()
    for number in range(count):
        (folder / "in" / f"{number:03d}.jpg").write_bytes(data)
    return folder / "in"


def lightness_change(before: Path, after: Path) -> float:
    """Mean |L* difference| between the input's gray and the result, in units of 1/255."""
    from zoo.pictures.color import lightness, rgb_to_lab

    gray = np.asarray(Image.open(before).convert("L"))
    rgb = np.asarray(Image.open(after))
    total = 0.0
    for top in range(0, len(gray), 256):
        light = rgb_to_lab(rgb[top : top + 256])[..., 0]
        total += float(np.abs(light - lightness(gray[top : top + 256])).sum())
    return total / gray.size * 2.55


def main() -> None:
    """Print both tables."""
    zoo = shutil.which("zoo", path=str(Path(sys.executable).parent))
    if not zoo:
        sys.exit("install 'latent-zoo[train]' into this environment first")
    script = str(Path(__file__).with_name("torch_colorize.py"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = str(photo(folder / "small.jpg", (512, 512)))
        ours = [zoo, "run", "colorize", source, "-o", str(folder / "ours.jpg"), "--force"]
        other = [sys.executable, script, source, str(folder / "other.jpg")]
        print(HEAD)
        print(row("`zoo run colorize` / PyTorch, 512x512", *compare(ours, other, RUNS)))
        print("\n| photo | wall, median | peak memory | lightness changed by |\n|---|---|---|---|")
        for label, size in LARGE.items():
            source, result = photo(folder / "large.jpg", size), folder / "large.png.jpg"
            runs: list[Run] = [
                once([zoo, "run", "colorize", str(source), "-o", str(result), "--force"]) for _ in range(3)
            ]
            assert Image.open(result).size == size
            wall, peak = statistics.median(run.seconds for run in runs), max(run.mebibytes for run in runs)
            print(f"| {label} | {wall:.1f} s | {peak:.0f} MiB | {lightness_change(source, result):.2f} of 255 |")


if __name__ == "__main__":
    main()
