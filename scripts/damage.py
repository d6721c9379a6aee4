"""How the fuzzer damages a checkpoint: its config.json, the header of its weights, or a graph, which is then signed.

Bytes are changed blindly, which finds out about the readers; JSON and graphs also by someone who knows what they mean,
since most blind changes end at the first byte that no longer fits.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from zoo.checkpoints.onnx.operators import RULES

GRAPH_DAMAGES = 6
NUMBERS = (0, 1, -1, 2, 3, 7, 255, 256, 2**16, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 10**30)
WORDS = ("", "..", "../../x", "/etc/passwd", "C:\\x", "a\0b", "\u202e", "model.safetensors", "x" * 5000, "NaN")

Json = Any


def damage(folder: Path, rng: random.Random) -> str:
    """Change one file of a checkpoint and sign it; returns what was done."""
    config = json.loads((folder / "config.json").read_bytes())
    kind = rng.choice(("config", "header", "bytes", "graph", "graph"))
    if kind == "config":
        what = _damage_json(config, rng)
    elif kind == "header":
        what = _damage_header(folder / "model.safetensors", rng)
    else:
        name = rng.choice([graph["graph"] for graph in config["capabilities"].values()])
        what = f"{name}: {(_damage_bytes if kind == 'bytes' else _damage_graph)(folder / name, rng)}"
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
    data, what = damaged(file.read_bytes(), rng, end)
    file.write_bytes(data)
    return what


def damaged(original: bytes, rng: random.Random, end: int | None = None) -> tuple[bytes, str]:
    """Bytes with a few changed, lost, put in or repeated, in the first `end` only; and what was done where."""
    data, done = bytearray(original), []
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
    return bytes(data), " ".join(done)


def _damage_graph(file: Path, rng: random.Random) -> str:
    """Change what a graph says, so that it can still be read."""
    model = onnx.ModelProto.FromString(file.read_bytes())
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        edit = rng.choice(GRAPH_EDITS)
        with contextlib.suppress(IndexError, ValueError):  # nothing there to change, or a number that does not fit
            done.append(f"{edit.__name__.lstrip('_')} {edit(model.graph, rng)}")
    file.write_bytes(model.SerializeToString())
    return ", ".join(done)


def _number(old: float, rng: random.Random) -> int:
    new = int(rng.choice((old + 1, old - 1, old * 2, -old, 0, *NUMBERS)))
    return (new + 2**63) % 2**64 - 2**63


def _attribute(graph: onnx.GraphProto, rng: random.Random) -> str:
    attribute = rng.choice([found for node in graph.node for found in node.attribute])
    if attribute.ints:
        place = rng.randrange(len(attribute.ints))
        attribute.ints[place] = _number(attribute.ints[place], rng)
    elif attribute.type == onnx.AttributeProto.INT:
        attribute.i = _number(attribute.i, rng)
    else:
        attribute.f = rng.choice((0.0, -1.0, 1e38, float("nan"), float("inf")))
    return str(attribute.name)


def _constant(graph: onnx.GraphProto, rng: random.Random) -> str:
    tensor = rng.choice([found for found in graph.initializer if not found.external_data])
    values = onnx.numpy_helper.to_array(tensor).copy()
    if values.size:
        place, bounds = rng.randrange(values.size), np.iinfo(np.int64)
        number = _number(0 if values.dtype.kind == "f" else int(values.flat[place]), rng)
        values.flat[place] = np.clip(number, bounds.min, bounds.max)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    return str(tensor.name)


def _sizes(graph: onnx.GraphProto, rng: random.Random) -> str:
    tensor = rng.choice(list(graph.initializer))
    place = rng.randrange(len(tensor.dims))
    tensor.dims[place] = _number(tensor.dims[place], rng)
    return str(tensor.name)


def _weights(graph: onnx.GraphProto, rng: random.Random) -> str:
    """Two weights change places in the file, or one is said to be of another type."""
    tensors = [found for found in graph.initializer if found.external_data]
    first, second = rng.choice(tensors), rng.choice(tensors)
    if rng.random() < 0.3:
        first.data_type = rng.choice((1, 2, 3, 7, 9, 10, 11, 16, 17, 21))
        return str(first.name)
    for one, other in zip(first.external_data, second.external_data, strict=True):
        one.value, other.value = other.value, one.value
    return f"{first.name} and {second.name}"


def _operator(graph: onnx.GraphProto, rng: random.Random) -> str:
    node = rng.choice(list(graph.node))
    node.op_type = rng.choice(sorted(RULES))
    return str(node.op_type)


def _wire(graph: onnx.GraphProto, rng: random.Random) -> str:
    node = rng.choice(list(graph.node))
    node.input[rng.randrange(len(node.input))] = rng.choice(_names(graph))
    return str(node.op_type)


def _drop(graph: onnx.GraphProto, rng: random.Random) -> str:
    place = rng.randrange(len(graph.node))
    node = graph.node.pop(place)
    for later in graph.node:  # what it made is replaced by what it was given
        for at, name in enumerate(later.input):
            if name in node.output:
                later.input[at] = node.input[0]
    return str(node.op_type)


def _insert(graph: onnx.GraphProto, rng: random.Random) -> str:
    """An operator between a node and those that follow, with small constants for whatever else it is given."""
    place = rng.randrange(len(graph.node))
    operator, constants = rng.choice(sorted(RULES)), []
    for number in range(rng.choice((0, 0, 1, 1, 2, 3))):
        values = [rng.choice((*NUMBERS[:8], 2**31 - 1, -(2**63))) for _ in range(rng.choice((1, 2, 4, 4, 8)))]
        array = np.array(values, rng.choice((np.int64, np.int64, np.float32)))
        constants.append(f"c{len(graph.initializer)}.{number}")
        graph.initializer.append(onnx.numpy_helper.from_array(array, constants[-1]))
    before = graph.node[place].output[0]
    inner = f"i{len(graph.node)}"
    graph.node[place].output[0] = inner
    graph.node.insert(place + 1, onnx.helper.make_node(operator, [inner, *constants], [before]))
    return operator


def _names(graph: onnx.GraphProto) -> list[str]:
    made = [name for node in graph.node for name in node.output]
    return [*made, *(tensor.name for tensor in graph.initializer), *(port.name for port in graph.input), ""]


GRAPH_EDITS: tuple[Callable[[onnx.GraphProto, random.Random], str], ...] = (
    _attribute, _attribute, _constant, _constant, _sizes, _weights, _operator, _wire, _wire, _drop, _insert, _insert,
    _insert,
)  # fmt: skip
