"""Damage a small checkpoint at random, again and again, as someone who signs what he damages: python scripts/fuzz.py

Each case changes config.json, the header of the weights or the graph, and makes config.json promise the result, since
otherwise every case would end at a hash. A child process opens it and makes a picture, with limits of memory and time.
It must end with the picture, finite, or with one of the zoo's errors: a crash, a hang, another exception or a traceback
is a fault, and its case is kept. Cases are numbered by their seed, so that each can be run again:

    python scripts/fuzz.py --cases 20000 --checkpoint plugins/zoo_conv_vae/checkpoints/mnist-2d
    python scripts/fuzz.py --first 4711 --cases 1
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SECONDS = 20
MEMORY = 1024 * 1024 * 1024
GRAPH_DAMAGES = 6
NUMBERS = (0, 1, -1, 2, 3, 7, 255, 256, 2**16, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 10**30)
WORDS = ("", "..", "../../x", "/etc/passwd", "C:\\x", "a\0b", "\u202e", "model.safetensors", "x" * 5000, "NaN")

Json = Any


def damage(folder: Path, rng: random.Random) -> str:
    """Change one file of a checkpoint and sign it; returns what was done."""
    config = json.loads((folder / "config.json").read_bytes())
    kind = rng.choice(("config", "header", "graph", "graph"))
    if kind == "config":
        what = _damage_json(config, rng)
    elif kind == "header":
        what = _damage_header(folder / "model.safetensors", rng)
    else:
        name = rng.choice([graph["graph"] for graph in config["capabilities"].values()])
        what = f"{name}: {_damage_bytes(folder / name, rng)}"
    with contextlib.suppress(KeyError, TypeError, AttributeError, OSError, ValueError):
        _sign(config, folder)
    text = json.dumps(config)
    if kind == "config" and rng.random() < 0.2:
        text = _damaged_text(text, rng)
    (folder / "config.json").write_text(text, encoding="utf-8", errors="surrogatepass")
    return f"{kind}: {what}"


def _sign(config: Json, folder: Path) -> None:
    weights = (folder / "model.safetensors").read_bytes()
    config["weights"]["sha256"], config["weights"]["bytes"] = hashlib.sha256(weights).hexdigest(), len(weights)
    sampler = (config.get("latent") or {}).get("sampler")
    for graph in [*config["capabilities"].values(), *([sampler] if sampler else [])]:
        graph["sha256"] = hashlib.sha256((folder / graph["graph"]).read_bytes()).hexdigest()


def _places(value: Json, path: str = "") -> Iterator[tuple[Json, Any, str]]:
    """Every container with one of its keys, and the way to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key, f"{path}.{key}"
        yield from _places(inner, f"{path}.{key}")


def _damage_json(value: Json, rng: random.Random) -> str:
    owner, key, path = rng.choice(list(_places(value)))
    old = owner[key]
    choices: list[Json] = [rng.choice(NUMBERS), rng.choice(WORDS), None, [], {}, True, [old], {"a": old}, -1.5, 1e308]
    if isinstance(old, int) and not isinstance(old, bool):
        choices += [old + 1, old - 1, old * 2, -old] * 3
    new = rng.choice(choices)
    if isinstance(owner, dict) and rng.random() < 0.15:
        del owner[key]
        return f"{path} removed"
    if isinstance(owner, dict) and rng.random() < 0.1:
        owner[rng.choice(WORDS)] = new
        return f"{path}: a key beside it"
    owner[key] = new
    return f"{path} = {str(new)[:40]!r}"


def _damaged_text(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text))
    return rng.choice((text[:at], text[:at] + rng.choice('{}[]",:0e\\u') + text[at:], text + text, "[" * 100_000))


def _damage_header(file: Path, rng: random.Random) -> str:
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = data[8 : 8 + length], data[8 + length :]
    if rng.random() < 0.3:
        what = _damage_bytes(file, rng, end=8 + length)
        return f"bytes, {what}"
    table = json.loads(header)
    what = _damage_json(table, rng)
    text = json.dumps(table).encode(errors="surrogatepass")
    text += b" " * (-len(text) % 8)
    claimed = rng.choice((len(text), len(text), len(text), rng.choice(NUMBERS) % 2**64))
    file.write_bytes(struct.pack("<Q", claimed) + text + body)
    return what


def _damage_bytes(file: Path, rng: random.Random, end: int | None = None) -> str:
    data = bytearray(file.read_bytes())
    done = []
    for _ in range(rng.randint(1, GRAPH_DAMAGES)):
        at, kind = rng.randrange(min(end or len(data), len(data)) or 1), rng.randrange(5)
        if kind == 0:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            data[at : at + 1] = bytes([data[at] ^ (1 << rng.randrange(8))])
        elif kind == 2:
            del data[at : at + rng.randint(1, 16)]
        elif kind == 3:
            data[at:at] = rng.randbytes(rng.randint(1, 16))
        else:
            source = rng.randrange(len(data))
            data[at:at] = data[source : source + rng.randint(1, 200)]
        done.append(f"{kind}@{at}")
        if not data:
            break
    file.write_bytes(data)
    return " ".join(done)


def open_and_run(folder: Path) -> str:
    """Open a checkpoint and make one small picture with each capability: what a child process does."""
    import numpy as np

    from zoo.errors import ZooError
    from zoo.loading import load

    try:
        model = load(f"dir:{folder}", backend="onnx", device="cpu")
        for name, graph in model.config.capabilities.items():
            if name == "decode":
                made = model.decode(np.zeros((1, *(size or 4 for size in model.latent_shape or ())), np.float32))
            else:
                image = graph.input
                assert image is not None
                size = image.size or (image.multiple, image.multiple)
                pictures = np.full((1, image.channels, *size), 0.5, np.float32)
                made = model.encode(pictures) if name == "encode" else model.translate(pictures)
            if not np.isfinite(made).all():
                return "FAULT: numbers that are not finite"
    except ZooError as error:
        if "\n" in str(error) or len(str(error)) > 3000:
            return f"FAULT: an error of several lines: {str(error)[:200]!r}"
        return f"refused: {type(error).__name__}"
    return "works"


def judged(folder: Path) -> str:
    """What becomes of a checkpoint in a process of its own, forked from this one, within limits."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        _child(folder, read, write)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    _, status, usage = os.wait4(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"FAULT: {'a hang' if number == signal.SIGALRM else f'killed by signal {number}'}"
    if usage.ru_maxrss > MEMORY // 1024:
        return f"FAULT: {usage.ru_maxrss // 1024} MiB of memory"
    return said or f"FAULT: ended with {os.WEXITSTATUS(status)} and said nothing"


def _child(folder: Path, read: int, write: int) -> None:
    os.close(read)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(SECONDS)
    mapped = 8 * MEMORY  # address space, of which libraries take much that is never used; what counts is judged later
    resource.setrlimit(resource.RLIMIT_AS, (mapped, mapped))
    try:
        said = open_and_run(folder)
    except BaseException as error:  # whatever it is, it is a fault
        said = f"FAULT: {type(error).__name__}: {str(error)[:200]}"
    os.write(write, said.encode(errors="replace"))
    os._exit(0)


def run(checkpoint: Path, first: int, cases: int, keep: Path, report: Callable[[int, str], None]) -> Counter[str]:
    """Judge so many cases; those at fault are kept in a folder each."""
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="zoo-fuzz-") as place:
        for number in range(first, first + cases):
            folder = Path(place) / "case"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(checkpoint, folder)
            what = damage(folder, random.Random(number))
            verdict = judged(folder)
            found[verdict.partition(":")[0] if verdict.startswith("FAULT") else verdict] += 1
            if verdict.startswith("FAULT"):
                report(number, f"{verdict} ({what})")
                shutil.copytree(folder, keep / str(number), dirs_exist_ok=True)
    return found


def main() -> None:
    """Run from the command line; exits with 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = Path(__file__).resolve().parent.parent / "plugins" / "zoo_conv_vae" / "checkpoints" / "mnist-2d"
    parser.add_argument("--checkpoint", type=Path, default=default, help="the folder to damage copies of")
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first case")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-faults"), help="where cases at fault are kept")
    given = parser.parse_args()
    import zoo.loading  # noqa: F401 (once, for all the children; not the runtime, which starts a thread)

    found = run(given.checkpoint, given.first, given.cases, given.keep, lambda n, said: print(f"case {n}: {said}"))
    for verdict, count in found.most_common():
        print(f"{count:7} {verdict}")
    sys.exit(1 if found["FAULT"] else 0)


if __name__ == "__main__":
    main()
