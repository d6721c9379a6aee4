"""Who made a model from the Hub, under which licence, and whether its family is here: said before it first runs."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Container

import msgspec

from zoo.catalog.spec import CheckpointConfig
from zoo.checkpoints.format import Checkpoint
from zoo.checkpoints.hub import cache
from zoo.checkpoints.hub.reference import parse
from zoo.errors import DiskError

logger = logging.getLogger("zoo.hub")


def introduce(checkpoint: Checkpoint, families: Container[str]) -> None:
    """Say it once for each commit; `families` are those that are installed."""
    reference = parse(checkpoint.origin)
    record = cache.read_record(reference.repository, reference.revision)
    if record is None or record.introduced:
        return
    facts = "; ".join(f"{name}: {value}" for name, value in about(checkpoint, families))
    logger.info("%s (%s)", reference, facts)
    with contextlib.suppress(DiskError):  # a cache that is read-only; then it is said again
        known = msgspec.structs.replace(record, introduced=True)
        cache.write_record(reference.repository, reference.revision, known)


def about(checkpoint: Checkpoint, families: Container[str]) -> list[tuple[str, str]]:
    """What a person should know of an untrusted model: its maker, licence and family."""
    config, reference = checkpoint.config, parse(checkpoint.origin)
    maker = reference.repository.partition("/")[0]
    return [("made by", maker), ("license", config.license), ("family", _family(config, families))]


def _family(config: CheckpointConfig, families: Container[str]) -> str:
    here = "installed" if config.family in families else "not installed, so it runs through its graphs only"
    return f"{config.family}, {here}"
