"""A recipe: one TOML file with all it takes to train one model."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from zoo.catalog.expects import Words
from zoo.catalog.ports import Side
from zoo.catalog.spec import Line, ModelId, Name
from zoo.datasets.labels import parse_label
from zoo.errors import NotFoundError, UsageError
from zoo.recipes.pictures import AugmentTable, Degradation, NoiseTable, Table

# A source of pictures, with a path as long as paths may be.
Place = Annotated[str, Meta(max_length=5000, pattern=r"^[^\x00-\x1f\x7f]*\Z")]


class ModelTable(Table, frozen=True, kw_only=True):
    """What is trained. `config` goes over the preset's values.

    `expects` says what it is trained on, in words that follow "was trained on": "rendered faces of 32x32". With
    `generates = false` nothing is drawn from its latent space: a model whose draws would show nothing.
    """

    id: ModelId
    family: Name
    preset: Name | None = None
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    task: Name | None = None
    default_for: tuple[Name, ...] = ()
    summary: Line = ""
    expects: Words = ""
    generates: bool = True
    license: str = "Apache-2.0"


class SplitsTable(Table, frozen=True, kw_only=True):
    """Which split trains, chooses the best state, and stands on the card."""

    train: Name = "train"
    best: Name = "val"
    card: Name = "test"


class DataTable(Table, frozen=True, kw_only=True):
    """Where the pictures are, the side they are trained at, and the side at which states are evaluated (the same).

    The last `final_epochs` are trained at `final_size`, which is then the side to evaluate at. States are evaluated on
    the whole picture (`eval_views = 1`), or on it, its mirror image and two crops (4). With `cache = "memory"` all
    training pictures are decoded once, at the start, so that a fast device need not wait for them; with "device" they
    are then kept on the device at `size`, and turned, shifted, sheared, zoomed, mirrored, binarised and given noise
    there, a batch at a time, which is all that a recipe may do to them. Whole pictures are
    brought to a square by stretching them, or by repeating their edges at both sides (`shape = "pad"`). `labels` are
    columns of the source's index, or comparisons of them ("smile > 0.5"), that the objective is given as numbers.
    """

    source: Place
    size: Side
    final_size: Side | None = None
    final_epochs: Annotated[int, Meta(ge=0)] = 0
    eval_size: Side | None = None
    eval_views: Literal[1, 4] = 1
    channels: Literal[1, 3] = 3
    cache: Literal["auto", "memory", "device"] = "auto"
    shape: Literal["stretch", "pad"] = "stretch"
    labels: tuple[Line, ...] = ()
    splits: SplitsTable = SplitsTable()

    def __post_init__(self) -> None:
        """Refuse labels that can't be read, before any picture is, and half of a final size."""
        if (self.final_size is None) != (self.final_epochs == 0):
            raise ValueError("final_size and final_epochs go together: give both, or neither")
        for label in self.labels:
            try:
                parse_label(label)
            except UsageError as error:
                raise ValueError(str(error)) from error

    @property
    def evaluated_size(self) -> int:
        """The side at which states are evaluated."""
        return self.eval_size or self.final_size or self.size


class OptimizerTable(Table, frozen=True, kw_only=True):
    """One sub-network's optimizer and schedule, by timm's names; `warmup_epochs` rise linearly from `lr` / 100.

    Muon (Jordan et al. 2024) orthogonalises the momentum of each weight matrix, which costs the cube of its shorter
    side: matrices of a side above `muon_side` are left to AdamW, as biases and norms are, at `fallback_scale` of `lr`.
    The schedule `wsd` holds the rate and lets it fall to 0 in the last `decay_epochs` (Hu et al. 2024), so that a run
    may be made longer before that.
    `scales` are shares of `lr` for the parameters whose names begin with a name: `scales = { encoder = 0.1 }`; not
    with Muon, whose groups are its own.
    """

    name: str = "adamw"
    lr: Annotated[float, Meta(gt=0.0)] = 1e-3
    weight_decay: Annotated[float, Meta(ge=0.0)] = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    clip: Annotated[float, Meta(gt=0.0)] | None = None
    muon_side: Annotated[int, Meta(ge=1)] = 512
    fallback_scale: Annotated[float, Meta(gt=0.0)] = 1.0
    scales: dict[str, Annotated[float, Meta(gt=0.0)]] = msgspec.field(default_factory=dict)
    schedule: Literal["cosine", "constant", "wsd"] = "cosine"
    decay_epochs: Annotated[float, Meta(ge=1.0)] = 1.0
    warmup_epochs: Annotated[float, Meta(ge=0.0)] = 0.0

    def __post_init__(self) -> None:
        """Refuse two settings that each divide the parameters into groups."""
        if self.scales and self.name.endswith("muon"):
            raise ValueError(f"scales can't be used with {self.name}: leave them out, or use another optimizer")


class TrainTable(Table, frozen=True, kw_only=True):
    """How long, how fast, from which seed, and what is kept.

    An epoch is one pass over the pictures, or `samples_per_epoch` of them: then passes go on across epochs. With the
    precision `auto`, a run times some steps and takes the fastest, and with it the layout unless `channels_last` says.
    With `accumulate` a batch goes through the networks in so many parts, where the memory can't hold it at once.
    """

    epochs: Annotated[int, Meta(ge=1, le=100_000)]
    batch: Annotated[int, Meta(ge=1, le=65_536)]
    samples_per_epoch: Annotated[int, Meta(ge=1, le=2**31)] | None = None
    accumulate: Annotated[int, Meta(ge=1, le=65_536)] = 1
    precision: Literal["auto", "float32", "bf16", "fp16"] = "auto"
    channels_last: bool | None = None
    seed: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    ema: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.0
    keep_best: str | None = None
    eval_epochs: Annotated[int, Meta(ge=1)] = 1
    save_seconds: Annotated[float, Meta(ge=0.0)] = 60.0
    workers: Annotated[int, Meta(ge=0, le=256)] = 0
    budget_minutes: Annotated[float, Meta(gt=0.0)] | None = None


class PriorTable(Table, frozen=True, kw_only=True):
    """A prior fitted to the training latents: every pair of numbers of components and dimensions is tried.

    The best by `choose` is shipped, the standard normal among the candidates. `frechet` is the distance of decoded
    samples to training pictures in the features of the model `features`; `likelihood` that of held-out latents.
    """

    components: Annotated[tuple[Annotated[int, Meta(ge=1, le=256)], ...], Meta(min_length=1)] = (1,)
    dimensions: Annotated[tuple[Annotated[int, Meta(ge=1, le=1024)], ...], Meta(min_length=1)] = (64,)
    choose: Literal["frechet", "likelihood"] = "likelihood"
    features: str | None = None
    samples: Annotated[int, Meta(ge=16, le=100_000)] = 2000


class Recipe(Table, frozen=True, kw_only=True):
    """The whole file."""

    model: ModelTable
    data: DataTable
    augment: AugmentTable = AugmentTable()
    degrade: Degradation | None = None
    objective: dict[str, Any] = msgspec.field(default_factory=dict)
    optimizer: Annotated[dict[Name, OptimizerTable], Meta(min_length=1)]
    train: TrainTable
    prior: PriorTable | None = None
    # What a part of the exported network begins with: see `zoo.weights.initial`.
    init: dict[str, Line] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse tables that do not go together."""
        if self.prior and not self.model.generates:
            raise ValueError("a model with generates = false has no [prior]: leave one of them out")
        if self.data.cache == "device":
            self._check_on_device()

    def _check_on_device(self) -> None:
        """Refuse what is done to one picture at a time, on the CPU."""
        others = {
            "data.final_size": self.data.final_size is not None,
            "train.workers": self.train.workers > 0,
            "augment.crop or aspect": self.augment.crops,
            "augment.blur": self.augment.blur is not None,
            "degrade.kind other than noise": not isinstance(self.degrade, NoiseTable | None),
        }
        if found := [name for name, given in others.items() if given]:
            raise ValueError(f'data.cache = "device" can\'t be had with {", ".join(found)}: use "memory" instead')


def read_recipe(path: Path, changes: tuple[str, ...] = (), source: str | None = None) -> Recipe:
    """Read a recipe and apply `changes`, each `table.key=value` with the value in TOML (bare words are strings).

    `source` replaces the recipe's source of pictures, taken as it stands.

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
    if source is not None:
        if not source.isascii() and any("\ud800" <= letter <= "\udfff" for letter in source):
            raise UsageError(f"--data {source!r}: its name is not UTF-8, and a recipe can't hold it: rename it")
        _set(tables, "data.source", source, "--data")
    try:
        return msgspec.convert(tables, Recipe)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path.name}: {error}") from error


def _apply(tables: dict[str, Any], change: str) -> None:
    """Set one dotted key of the decoded file."""
    key, equals, text = change.partition("=")
    if not equals or not key.strip().rpartition(".")[2]:
        raise UsageError(f"--set {change}: write it as table.key=value, for example --set train.epochs=3")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    _set(tables, key.strip(), value, f"--set {change}")


def _set(tables: dict[str, Any], key: str, value: Any, option: str) -> None:
    """Set one dotted key."""
    *parents, leaf = key.split(".")
    for parent in parents:
        tables = tables.setdefault(parent, {})
        if not isinstance(tables, dict):
            raise UsageError(f"{option}: {parent} is not a table of the recipe")
    tables[leaf] = value


def write_recipe(path: Path, recipe: Recipe) -> None:
    """Write the recipe as it was trained, changes included."""
    path.write_bytes(msgspec.toml.encode(_without_none(msgspec.to_builtins(recipe))))


def _without_none(value: Any) -> Any:
    """TOML has no null: an absent key is the same."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value
