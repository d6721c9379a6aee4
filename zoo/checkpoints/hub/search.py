"""Models on the Hub that were made for the zoo: those whose card says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from huggingface_hub import HfApi

from zoo.checkpoints.cards import LIBRARY
from zoo.checkpoints.hub.cache import offline
from zoo.checkpoints.hub.failures import explained, insist
from zoo.checkpoints.hub.guard import Call, asking
from zoo.checkpoints.hub.reference import is_repository
from zoo.errors import NetworkError

MAX_TAG = 100
MAX_COUNT = 10**15
# Tags of every card of the zoo, which tell a person nothing.
_COMMON = {LIBRARY, "onnx", "safetensors", "region:us"}


@dataclass(frozen=True)
class Found:
    """A model on the Hub, as its maker describes it: nothing here is verified."""

    name: str
    tags: tuple[str, ...]
    license: str
    downloads: int
    likes: int


def search(text: str | None, limit: int) -> list[Found]:
    """At most `limit` models whose name holds the text, most used first. Raises as the Hub's calls do."""
    subject = f"search {text!r}" if text else "search"
    if offline():
        raise NetworkError(f"{subject}: offline (HF_HUB_OFFLINE=1), so the Hub can't be asked")

    def ask() -> list[Found]:
        models = HfApi().list_models(filter=LIBRARY, search=text, sort="downloads", limit=limit)
        return list(islice(_named(models), limit))

    with asking(Call(subject)), explained():
        return insist(ask)


def _named(models: Any) -> Iterator[Found]:
    for model in models:
        if not is_repository(model.id):
            continue
        tags = [str(tag)[:MAX_TAG].encode(errors="replace").decode() for tag in model.tags or []]
        license_ = next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), "-")
        told = tuple(tag for tag in tags if tag not in _COMMON and ":" not in tag)
        yield Found(model.id, told, license_, _count(model.downloads), _count(model.likes))


def _count(value: object) -> int:
    """A count of an answer; 0 for what is none."""
    return value if type(value) is int and 0 <= value <= MAX_COUNT else 0
