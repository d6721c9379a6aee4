"""What a family, a model and a checkpoint are: frozen data, and the schema of `config.json`.

Everything in `CheckpointConfig` may come from a stranger, so every string has a pattern or a length, every number has
bounds, and an unknown field is refused. Nothing in it names a module, a URL or a path outside the checkpoint's folder.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from zoo.catalog.text import obeyed
from zoo.errors import UnsafeFileError

WeightType = Literal["float16", "float32", "int8"]
Capability = Literal["encode", "decode", "generate", "translate"]
# What a graph of a checkpoint may be for; a capability of the model, or `candidates` of `translate`.
GraphRole = Literal["encode", "decode", "translate", "candidates"]
Fit = Literal["resize", "pad", "tile", "chroma", "drawing", "shaded-drawing"]
# The fits of models that are given drawings.
DRAWN: frozenset[Fit | None] = frozenset({"drawing", "shaded-drawing"})

MAX_CONFIG_BYTES = 256 * 1024
MAX_REASON = 500
# The newest format; a checkpoint is written in the oldest that can say what it holds.
FORMAT = 3

Name = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=64)]
ModelId = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=129)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
GraphName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}\.onnx\Z")]
Line = Annotated[str, Meta(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
Count = Annotated[int, Meta(ge=0, le=10**12)]
Seconds = Annotated[float, Meta(ge=0, le=10**9)]
Side = Annotated[int, Meta(ge=1, le=16384)]
Channels = Annotated[int, Meta(ge=1, le=4)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A frozen struct that refuses unknown fields."""


class ImageSpec(_Strict, frozen=True, kw_only=True):
    """The pictures a graph takes or gives: (N, channels, height, width), float32 in [0, 1].

    `size` is (height, width), or None for any height and width that are multiples of `multiple`.
    """

    channels: Channels
    size: tuple[Side, Side] | None = None
    multiple: Annotated[int, Meta(ge=1, le=1024)] = 1


class GraphSpec(_Strict, frozen=True, kw_only=True):
    """One capability at rest: an ONNX graph of the checkpoint's folder and what goes in and out."""

    graph: GraphName
    sha256: Sha256
    input: ImageSpec | None = None
    output: ImageSpec | None = None
    fit: Fit | None = None

    def takes(self) -> tuple[Fit, ImageSpec]:
        """How pictures are fitted, and to what. Raises TypeError for a graph that takes latents."""
        if self.fit is None or self.input is None:
            raise TypeError(f"{self.graph} takes no pictures")
        return self.fit, self.input


class SamplerSpec(_Strict, frozen=True, kw_only=True):
    """A graph from standard normal noise (`noise`) to latents (`latent`): a prior that is not a standard normal.

    `numbers` is how many fitted numbers stand in the weights file for it, beside those of the network.
    """

    graph: GraphName
    sha256: Sha256
    noise: Annotated[tuple[Side, ...], Meta(min_length=1, max_length=4)]
    numbers: Count = 0


class LatentSpec(_Strict, frozen=True, kw_only=True):
    """The latent space: shape without the batch (None where it follows the image) and what to draw from it."""

    shape: Annotated[tuple[Side | None, ...], Meta(min_length=1, max_length=4)]
    prior: Literal["normal", "sampler", "none"]
    sampler: SamplerSpec | None = None


class WeightsSpec(_Strict, frozen=True, kw_only=True):
    """The one weights file. `parameters` are learned, `buffers` are running statistics.

    With `dtype` int8 some tensors are int8, each with a float32 scale for every entry of its first axis, and all others
    float16; the scales count as neither.
    """

    file: Literal["model.safetensors"]
    sha256: Sha256
    bytes: Annotated[int, Meta(ge=8, le=2 * 10**9)]
    dtype: WeightType
    parameters: Count
    buffers: Count


class TrainingSpec(_Strict, frozen=True, kw_only=True):
    """Where the weights come from: enough to make them again."""

    recipe: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.toml\Z")]
    data: Line
    steps: Count
    seconds: Seconds
    hardware: Line
    version: Line


class Metric(_Strict, frozen=True, kw_only=True):
    """One figure, beside the figure of doing nothing, and the command that computed both."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,64}\Z")]
    value: float
    baseline: float | None = None
    stderr: Annotated[float, Meta(ge=0)] | None = None
    split: Name
    n: Count
    protocol: Annotated[str, Meta(max_length=600, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
    command: Line


class CheckpointConfig(_Strict, frozen=True, kw_only=True):
    """`config.json`: format 1, 2 where a model also answers with candidates, or 3 where weights are int8.

    The graph `candidates` is like `translate`, but beside the picture it is given planes of smooth noise, which choose
    among the answers that are likely: `input.channels` counts both.
    """

    format: Literal[1, 2, 3]
    id: ModelId
    family: Name
    task: Name | None = None
    default_for: Annotated[tuple[Name, ...], Meta(max_length=8)] = ()
    summary: Line
    license: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.+ ()-]{1,100}\Z")]
    config: dict[str, Any]
    latent: LatentSpec | None = None
    capabilities: Annotated[dict[GraphRole, GraphSpec], Meta(min_length=1, max_length=4)]
    weights: WeightsSpec
    training: TrainingSpec | None = None
    metrics: Annotated[tuple[Metric, ...], Meta(max_length=256)] = ()

    def __post_init__(self) -> None:
        """Cross-field rules: id and family agree, each capability says what goes in and out."""
        if self.id.split(".")[0] != self.family:
            raise ValueError(f"id {self.id!r} does not begin with its family {self.family!r}")
        for name, graph in self.capabilities.items():
            if name != "decode" and (graph.input is None or graph.fit is None):
                raise ValueError(f"capability {name!r} must say its input and fit")
            if name != "encode" and graph.output is None:
                raise ValueError(f"capability {name!r} must say its output")
        if self.format != max(format_for(self.capabilities), weights_format(self.weights.dtype)):
            raise ValueError("format 2 is for models with candidates, format 3 for int8 weights, and these need it")
        if "candidates" in self.capabilities:
            self._check_candidates()
        if {"encode", "decode"} & set(self.capabilities) and self.latent is None:
            raise ValueError("a model that encodes or decodes must say its latent")
        if self.latent and (self.latent.prior == "sampler") != (self.latent.sampler is not None):
            raise ValueError("a latent has a sampler exactly if its prior is 'sampler'")
        if len(self.graph_hashes()) != len(self.capabilities) + bool(self.latent and self.latent.sampler):
            raise ValueError("two capabilities share one graph file")

    def _check_candidates(self) -> None:
        """They are answers to the same pictures, fitted alike."""
        translate, graph = self.capabilities.get("translate"), self.capabilities["candidates"]
        if translate is None or graph.output != translate.output or graph.fit != translate.fit:
            raise ValueError("candidates must have the output and the fit of translate")
        given, pictures = graph.input, translate.input
        same = given and pictures and (given.size, given.multiple) == (pictures.size, pictures.multiple)
        if not (same and given and pictures and given.channels > pictures.channels):
            raise ValueError("the input of candidates is that of translate with planes of noise after it")

    def graph_hashes(self) -> dict[str, str]:
        """File name -> sha256 of every graph this checkpoint has."""
        graphs: list[GraphSpec | SamplerSpec] = list(self.capabilities.values())
        if self.latent and self.latent.sampler:
            graphs.append(self.latent.sampler)
        return {graph.graph: graph.sha256 for graph in graphs}

    def can(self) -> tuple[Capability, ...]:
        """Every capability of the model, `generate` included, in the order of the interface."""
        generates = "decode" in self.capabilities and self.latent is not None and self.latent.prior != "none"
        found: dict[Capability, bool] = {
            "encode": "encode" in self.capabilities,
            "decode": "decode" in self.capabilities,
            "generate": generates,
            "translate": "translate" in self.capabilities,
        }
        return tuple(name for name, present in found.items() if present)


def format_for(capabilities: Collection[str]) -> int:
    """The oldest format that can hold these graphs: what a checkpoint with them says it is."""
    return 2 if "candidates" in capabilities else 1


def weights_format(dtype: WeightType) -> int:
    """The oldest format that can hold weights of this type."""
    return 3 if dtype == "int8" else 1


@dataclass(frozen=True)
class Family:
    """An architecture: how it is configured, built and trained.

    `config`, `network` and `objective` are strings `"package.module:Name"`, imported only when used, so that naming a
    family costs nothing. `objective` is "" where weights come from elsewhere and none are trained. `presets` are named
    configurations. The package of `config` may hold `recipes/*.toml`.
    `weight_names`, a string of that kind too, is a function of the configuration that says how others name the tensors:
    their names -> the network's, for `zoo import`; those named "" are left out.
    """

    name: str
    summary: str
    config: str
    network: str
    objective: str
    capabilities: tuple[Capability, ...]
    paper: str = ""
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    weight_names: str = ""


@dataclass(frozen=True)
class ModelSpec:
    """A trained member of a family and the source its checkpoint comes from (`bundled:PACKAGE/TAG`)."""

    config: CheckpointConfig
    source: str

    @property
    def id(self) -> str:
        """The model's name, `family.tag`."""
        return self.config.id


def parse_config(data: bytes, name: str | PurePath) -> CheckpointConfig:
    """Read the bytes of a `config.json`; `name` is the file's name in messages.

    Raises UnsafeFileError with the first thing that is wrong.
    """
    if len(data) > MAX_CONFIG_BYTES:
        raise UnsafeFileError(f"{name} is {len(data)} bytes; a checkpoint's config.json has at most {MAX_CONFIG_BYTES}")
    try:
        config = msgspec.json.decode(data, type=CheckpointConfig)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        newer = _newer_format(data)
        if newer:
            raise UnsafeFileError(
                f"{name} is of format {newer}, which this zoo is too old to read: pip install --upgrade latent-zoo"
            ) from error
        reason = str(error)[:MAX_REASON]  # it quotes the file
        raise UnsafeFileError(f"{name} is not a checkpoint's config of format {FORMAT} or older: {reason}") from error
    if not data.isascii() or b"\\" in data or b"\x7f" in data:  # else it can hold nothing of that kind
        for text in _texts(msgspec.json.decode(data)):
            if found := obeyed(text):
                raise UnsafeFileError(
                    f"{name} holds a character that a terminal obeys, U+{ord(found[0]):04X}, in {text[:60]!r}: refused"
                )
    return config


def _texts(value: Any) -> Iterator[str]:
    """Every string of a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from _texts(inner)


class _Format(msgspec.Struct):
    """The one field that every format has."""

    format: Annotated[int, Meta(gt=FORMAT)]


def _newer_format(data: bytes) -> int | None:
    """The number of a format that is yet to come, None for anything else."""
    try:
        return msgspec.json.decode(data, type=_Format).format
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def format_config(config: CheckpointConfig) -> bytes:
    """The bytes of a `config.json`, indented for people, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n"
