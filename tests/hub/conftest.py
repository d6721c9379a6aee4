"""One loopback Hub for all tests; each has repositories and machines of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import Hub
from machine import Machine
from tiny import fill_in, write_checkpoint
from world import World

from zoo.catalog import parse_config
from zoo.checkpoints.cards import write_card

TRAINING = {
    "recipe": "tiny.toml",
    "data": "pack:photos, split train",
    "steps": 100,
    "seconds": 5.0,
    "hardware": "2 cores",
    "version": "zoo-tiny 1.0, latent-zoo 0.1.0",
}


@pytest.fixture(scope="session")
def hub() -> Iterator[Hub]:
    with Hub() as running:
        running.token("hf_writes_secret", "ana")
        running.token("hf_reads_secret", "ana", "read")
        running.token("hf_other_secret", "bob")
        yield running


@pytest.fixture
def machine(hub: Hub, tmp_path: Path) -> Iterator[Machine]:
    """A machine whose cache is looked over after the test."""
    made = Machine(hub, tmp_path / "machine")
    yield made
    made.check_cache()


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small checkpoint with a complete card. Not to be changed."""
    folder = write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny", training=TRAINING)
    return with_card(folder)


@pytest.fixture(scope="session")
def files(checkpoint: Path) -> dict[str, bytes]:
    """Its files by name."""
    return files_of(checkpoint)


@pytest.fixture(scope="session")
def pace(hub: Hub, files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds that a pull takes here when all is well: the measure for those that have to end in time."""
    hub.add("ana/pace", files)
    machine = Machine(hub, tmp_path_factory.mktemp("pace"))
    return max(machine.zoo("pull", "ana/pace").seconds for _ in range(2))


@pytest.fixture
def published(hub: Hub, files: dict[str, bytes], request: pytest.FixtureRequest) -> str:
    """A repository of this test's own that holds the small checkpoint."""
    name = f"ana/m{abs(hash(request.node.nodeid)):x}"
    hub.add(name, files)
    return name


@pytest.fixture
def world(hub: Hub, machine: Machine, files: dict[str, bytes], request: pytest.FixtureRequest) -> World:
    name = f"ana/w{hashlib.sha1(request.node.nodeid.encode()).hexdigest()[:12]}"
    return World(hub, machine, name, hub.add(name, files), dict(files))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    from PIL import Image

    path = tmp_path / "picture.png"
    Image.radial_gradient("L").resize((16, 12)).save(path)
    return path


def with_card(folder: Path) -> Path:
    """Write the card of a checkpoint as someone who has filled in every section."""
    card = write_card(folder, parse_config((folder / "config.json").read_bytes(), "config.json"))
    fill_in(card)
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
