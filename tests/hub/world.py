"""A repository, a machine that pulls from it, and what can be wrong between the two."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from loopback import Hub
from machine import Machine
from repository import Repository

MIB = 1024 * 1024
BAD = {"HF_TOKEN": "hf_unknown_secret"}
OFFLINE = {"HF_HUB_OFFLINE": "1"}


@dataclass
class World:
    """What a case may change before the command runs."""

    hub: Hub
    machine: Machine
    name: str
    repository: Repository
    files: dict[str, bytes]

    def cache(self) -> str:
        """Pull once while all is well; the commit that was pulled."""
        assert self.machine.zoo("pull", self.name).code == 0
        return self.repository.head

    def works(self, **env: str | None) -> str:
        """Pull it, which goes well; what was said beside the name."""
        result = self.machine.zoo("pull", self.name, **env)
        assert result.out.startswith(f"hub:{self.name}@{self.repository.head}#"), result
        return result.notes


Change = Callable[[World], object]


def nothing(world: World) -> None:
    """All is well on the Hub."""


def state(**values: object) -> Change:
    return lambda world: [setattr(world.repository, name, value) for name, value in values.items()]


def on(path: str, kind: str, **how: Any) -> Change:
    """A fault in answers about the repository; `path` is what follows its name."""
    return lambda world: world.hub.fault(kind, re.escape(world.name) + path, **how)


def on_files(kind: str, **how: Any) -> Change:
    """A fault in the bodies of weights and graphs."""
    return lambda world: world.hub.fault(kind, f"/cdn/{world.name}", **how)


def on_head(kind: str, **how: Any) -> Change:
    return on("/resolve", kind, method="HEAD", **how)


def answers(path: str, value: object) -> Change:
    return on(path, "rewrite", by=lambda _: value)


def lists(**changes: object) -> Change:
    """The listing lies about config.json."""

    def lie(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, **changes} if row["path"] == "config.json" else row for row in rows]

    return on("/tree", "rewrite", by=lie)


def headers(**values: str) -> Change:
    return on("/resolve", "headers", set={name.replace("_", "-"): value for name, value in values.items()})


def holds(without: str = "", **files: bytes) -> Change:
    """Other files: `_` in a name stands for a point."""

    def put(world: World) -> None:
        kept = {name: data for name, data in world.files.items() if name != without}
        world.hub.commit(world.repository, {**kept, **{name.replace("_", "."): data for name, data in files.items()}})

    return put


def many_tags(world: World) -> None:
    world.repository.tags |= {f"v1.{number}": world.repository.head for number in range(7)}


def unreachable(world: World) -> None:
    world.machine.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"


def big(files: dict[str, bytes]) -> dict[str, bytes]:
    """The small checkpoint with 25 MiB of weights that nothing uses."""
    old = files["model.safetensors"]
    (length,) = struct.unpack("<Q", old[:8])
    header, data = json.loads(old[8 : 8 + length]), old[8 + length :]
    more = 25 * MIB
    header["pad"] = {"dtype": "F16", "shape": [more // 2], "data_offsets": [len(data), len(data) + more]}
    text = json.dumps(header, separators=(",", ":")).encode()
    weights = struct.pack("<Q", len(text)) + text + data + bytes(range(256)) * (more // 256)
    config = json.loads(files["config.json"])
    config["weights"] |= {"bytes": len(weights), "sha256": hashlib.sha256(weights).hexdigest()}
    return {**files, "model.safetensors": weights, "config.json": json.dumps(config).encode()}
