"""A recipe: one TOML file with all it takes to train one model."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from zoo.catalog.spec import Line, ModelId, Name, Side
from zoo.errors import NotFoundError, UsageError

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Range = tuple[float, float]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of a recipe; an unknown key is an error."""


class ModelTable(_Table, frozen=True, kw_only=True):
    """What is trained. `config` goes over the preset's values."""

    id: ModelId
    family: Name
    preset: Name | None = None
    config: dict[str, Any] = {}
    task: Name | None = None
    default_for: tuple[Name, ...] = ()
    summary: Line = ""
    license: str = "Apache-2.0"


class SplitsTable(_Table, frozen=True, kw_only=True):
    """Which split trains, chooses the best state, and stands on the card."""

    train: Name = "train"
    best: Name = "val"
    card: Name = "test"


class DataTable(_Table, frozen=True, kw_only=True):
    """Where the pictures are, the side they are trained at, and the side at which states are judged (the same)."""

    source: Line
    size: Side
    judge_size: Side | None = None
    channels: Literal[1, 3] = 3
    splits: SplitsTable = SplitsTable()


class AugmentTable(_Table, frozen=True, kw_only=True):
    """Changes to the target picture. `crop` is the share of the area that is kept, `aspect` its change of shape."""

    crop: Range = (1.0, 1.0)
    aspect: Range = (1.0, 1.0)
    flip: bool = False


class GrayscaleTable(_Table, tag="grayscale", tag_field="kind", frozen=True, kw_only=True):
    """The input is the target's luma as people bring it: toned, noisy, compressed.

    Each share is how many pictures it happens to. `lightness` is an offset and `contrast` a factor around the middle
    of [0, 1]; `noise` is the standard deviation in [0, 1]; `jpeg` is the quality.
    """

    lightness: Range = (0.0, 0.0)
    contrast: Range = (1.0, 1.0)
    noise: Range = (0.0, 0.0)
    noise_share: Share = 0.5
    jpeg: tuple[int, int] = (100, 100)
    jpeg_share: Share = 0.5
    sepia_share: Share = 0.0


class OptimizerTable(_Table, frozen=True, kw_only=True):
    """One player's optimizer and schedule, by timm's names; `warmup_epochs` rise linearly from a hundredth of `lr`."""

    name: str = "adamw"
    lr: Annotated[float, Meta(gt=0.0)] = 1e-3
    weight_decay: Annotated[float, Meta(ge=0.0)] = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    clip: Annotated[float, Meta(gt=0.0)] | None = None
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_epochs: Annotated[float, Meta(ge=0.0)] = 0.0


class TrainTable(_Table, frozen=True, kw_only=True):
    """How long, how fast, from which seed, and what is kept."""

    epochs: Annotated[int, Meta(ge=1, le=100_000)]
    batch: Annotated[int, Meta(ge=1, le=65_536)]
    precision: Literal["float32", "bf16", "fp16"] = "float32"
    channels_last: bool = False
    seed: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    ema: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.0
    keep_best: str | None = None
    eval_epochs: Annotated[int, Meta(ge=1)] = 1
    save_seconds: Annotated[float, Meta(ge=0.0)] = 60.0
    workers: Annotated[int, Meta(ge=0, le=256)] = 0
    budget_minutes: Annotated[float, Meta(gt=0.0)] | None = None


class Recipe(_Table, frozen=True, kw_only=True):
    """The whole file."""

    model: ModelTable
    data: DataTable
    augment: AugmentTable = AugmentTable()
    degrade: GrayscaleTable | None = None
    objective: dict[str, Any] = {}
    optimizer: Annotated[dict[Name, OptimizerTable], Meta(min_length=1)]
    train: TrainTable


def read_recipe(path: Path, changes: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe and apply `changes`, each `table.key=value` with the value in TOML (bare words are strings).

    Raises NotFoundError for a missing file and UsageError for anything the schema does not know.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFoundError(f"no recipe {path}: give the path of a TOML file, or a model's id") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is not a readable TOML file: {error}") from error
    for change in changes:
        _apply(tables, change)
    try:
        return msgspec.convert(tables, Recipe)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path.name}: {error}") from error


def _apply(tables: dict[str, Any], change: str) -> None:
    """Set one dotted key of the decoded file."""
    key, equals, text = change.partition("=")
    *parents, leaf = key.strip().split(".")
    if not equals or not leaf:
        raise UsageError(f"--set {change}: write it as table.key=value, for example --set train.epochs=3")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    for parent in parents:
        tables = tables.setdefault(parent, {})
        if not isinstance(tables, dict):
            raise UsageError(f"--set {change}: {parent} is not a table of the recipe")
    tables[leaf] = value


def write_recipe(path: Path, recipe: Recipe) -> None:
    """Write the recipe as it was trained, changes included."""
    path.write_bytes(msgspec.toml.encode(_without_none(msgspec.to_builtins(recipe))))


def _without_none(value: Any) -> Any:
    """TOML has no null: an absent key is the same."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value
