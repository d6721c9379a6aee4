"""Damage small pictures of every format at random, again and again: python scripts/fuzz_pictures.py

Each case changes the bytes of a sound picture, or makes one of the parts of two. A child process reads it as `zoo run`
does, and writes what it has read, with limits of memory and time. It must end with a picture or with one of the zoo's
errors, in one line: a crash, a hang, another exception, or anything a library writes to standard error is a fault, and
its file is kept. Cases are numbered by their seed, so that each can be run again:

    python scripts/fuzz_pictures.py --cases 20000
    python scripts/fuzz_pictures.py --first 4711 --cases 1
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import struct
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path

from case_runner import CaseRunner
from picture_seeds import seeds

MAX_PIXELS = 4_000_000  # few, so that what is over the limit of memory is no large picture
NUMBERS = (0, 1, 2, 3, 8, 16, 127, 255, 256, 999, 32767, 65535, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1)

Damage = Callable[[bytearray, random.Random], None]


def read_and_write(file: Path, errors: int) -> str:
    """Read the picture in a file, and write it: what a child process does. `errors` is where its fd 2 goes."""
    from zoo.errors import UsageError, ZooError
    from zoo.pictures.images import read_picture, write_picture

    os.dup2(errors, 2)
    os.ftruncate(errors, 0)
    os.lseek(errors, 0, os.SEEK_SET)
    try:
        picture = read_picture(file, (None, 1, 3)[file.stat().st_size % 3], MAX_PIXELS, deep=True)
    except ZooError as error:
        if "\n" in str(error) or len(str(error)) > 1000:
            return f"FAULT: an error that is no line: {str(error)[:200]!r}"
        result = f"refused: {type(error).__name__}"
    else:
        if any("\n" in note or len(note) > 300 for note in picture.notes):
            return f"FAULT: a note that is no line: {str(picture.notes)[:200]}"
        for kind in (None, "png", "jpg", "tif"):
            with contextlib.suppress(UsageError):  # too wide or too high for the format
                write_picture(BytesIO(), picture, format=kind, quality=60)
        result = "reads with a note" if picture.notes else "reads"
    written = os.pread(errors, 300, 0)
    return f"FAULT: standard error: {written.decode(errors='replace')}" if written else result


def damage(whole: dict[str, bytes], rng: random.Random) -> tuple[str, bytes, str]:
    """A seed's name, its bytes damaged, and how."""
    name = rng.choice(sorted(whole))
    data, done = bytearray(whole[name]), []
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if rng.random() < 0.06:
            other = bytearray(whole[rng.choice(sorted(whole))])
            at = rng.randrange(len(data) or 1)
            data[at:] = other[rng.choice((at, rng.randrange(len(other)))) :]
            done.append(f"spliced@{at}")
            continue
        change = rng.choice(DAMAGES)
        if data:
            change(data, rng)
            done.append(change.__name__.lstrip("_"))
    if name.endswith("png") and rng.random() < 0.5:
        _sign_chunks(data)
    return name, bytes(data), " ".join(done)


def _place(data: bytearray, rng: random.Random) -> int:
    """Anywhere, but every other time near the beginning or the end, where headers and directories are."""
    near = rng.choice((len(data), len(data), 40, 200))
    at = rng.randrange(min(near, len(data)) or 1)
    return at if rng.random() < 0.75 else max(0, len(data) - 1 - at)


def _bit(data: bytearray, rng: random.Random) -> None:
    data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _byte(data: bytearray, rng: random.Random) -> None:
    data[_place(data, rng)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _number(data: bytearray, rng: random.Random) -> None:
    """A number that a program may take for a size, a count or an offset."""
    at, order = _place(data, rng), rng.choice("<>")
    code, most = rng.choice((("H", 0xFFFF), ("I", 0xFFFFFFFF)))
    new = struct.pack(order + code, rng.choice(NUMBERS) & most)
    data[at : at + len(new)] = new


def _cut_off(data: bytearray, rng: random.Random) -> None:
    del data[_place(data, rng) :]


def _lose(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 2, 4, 16, 200))]


def _zero(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    end = min(len(data), at + rng.choice((1, 2, 16, 200, 10_000)))
    data[at:end] = bytes(end - at)


def _repeat(data: bytearray, rng: random.Random) -> None:
    source, at = rng.randrange(len(data)), _place(data, rng)
    data[at:at] = data[source : source + rng.randint(1, 200)]


def _repeat_chunk(data: bytearray, rng: random.Random) -> None:
    """A PNG's chunk once more, or once more elsewhere; other files have something repeated."""
    chunks = _chunks(data)
    if not chunks:
        return _repeat(data, rng)
    start, end = rng.choice(chunks)
    at = rng.choice(chunks)[0]
    data[at:at] = data[start:end] * rng.choice((1, 1, 2, 50))
    return None


def _chunks(data: bytearray) -> list[tuple[int, int]]:
    found, at = [], 8
    while data.startswith(b"\x89PNG") and at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            break
        found.append((at, end))
        at = end
    return found


def _sign_chunks(data: bytearray) -> None:
    """Make each chunk's checksum right, since otherwise most changes of a PNG end there."""
    for start, end in _chunks(data):
        data[end - 4 : end] = struct.pack(">I", zlib.crc32(data[start + 4 : end - 4]))


DAMAGES: tuple[Damage, ...] = (
    _bit, _bit, _byte, _byte, _number, _number, _cut_off, _lose, _zero, _repeat, _repeat_chunk,
)  # fmt: skip


def run(first: int, cases: int, keep: Path, report: Callable[[int, str], None]) -> Counter[str]:
    """Read so many damaged pictures; those at fault are kept."""
    found: Counter[str] = Counter()
    whole = seeds()
    with tempfile.TemporaryDirectory(prefix="zoo-fuzz-") as place, tempfile.TemporaryFile() as errors:
        file = Path(place) / "picture"
        runner: CaseRunner | None = None
        for number in range(first, first + cases):
            name, data, what = damage(whole, random.Random(number))
            file.write_bytes(data)
            if runner is None or runner.ended:
                runner = CaseRunner(partial(read_and_write, file, errors.fileno()))
            outcome = runner.outcome()
            found[outcome.partition(":")[0] if outcome.startswith("FAULT") else outcome] += 1
            if outcome.startswith("FAULT"):
                report(number, f"{outcome} ({name}: {what})")
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{number}-{name}").write_bytes(data)
        if runner and not runner.ended:
            runner.close()
    return found


def main() -> None:
    """Run from the command line; exits with 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first case")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-faults"), help="where cases at fault are kept")
    given = parser.parse_args()
    import zoo.pictures.images  # noqa: F401 (once, for all the children)

    found = run(given.first, given.cases, given.keep, lambda n, said: print(f"case {n}: {said}", flush=True))
    for outcome, count in found.most_common():
        print(f"{count:7} {outcome}")
    sys.exit(1 if found["FAULT"] else 0)


if __name__ == "__main__":
    main()
