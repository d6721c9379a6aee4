"""What a family, a model and a checkpoint are: frozen data, and the schema of `config.json`.

Everything in `CheckpointConfig` may be untrusted, so every string has a pattern or a length, every number has
bounds, and an unknown field is refused. Nothing in it names a module, a URL or a path outside the checkpoint's folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from zoo.catalog.conditions import Condition
from zoo.catalog.fits import Fit
from zoo.catalog.interface import Capability, ImageRole, Interface, Latent, LatentShape, Noise, Role, RoleName
from zoo.catalog.ports import ImageSpec, Strict
from zoo.catalog.text import obeyed
from zoo.errors import UnsafeFileError

if TYPE_CHECKING:
    from zoo.catalog.expects import Expects

WeightType = Literal["float16", "float32", "int8"]

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


class GraphSpec(Strict, frozen=True, kw_only=True):
    """A role at rest: an ONNX graph of the checkpoint's folder and what goes in and out."""

    graph: GraphName
    sha256: Sha256
    input: ImageSpec | None = None
    output: ImageSpec | None = None
    fit: Fit | None = None
    scale: Annotated[int, Meta(ge=2, le=8)] | msgspec.UnsetType = msgspec.UNSET
    log_likelihood: bool | msgspec.UnsetType = msgspec.UNSET


class SamplerSpec(Strict, frozen=True, kw_only=True):
    """A graph from standard normal noise (`noise`) to latents (`latent`): a prior that is not a standard normal.

    `numbers` is how many fitted numbers are in the weights file for it, beside those of the network.
    """

    graph: GraphName
    sha256: Sha256
    noise: Noise
    numbers: Count = 0


class DenoiserSpec(Strict, frozen=True, kw_only=True):
    """A graph that is run `repeat` times, or as often as is asked for, before a latent is decoded."""

    graph: GraphName
    sha256: Sha256
    repeat: Annotated[int, Meta(ge=2, le=10_000)]


class LatentSpec(Strict, frozen=True, kw_only=True):
    """The latent space: shape without the batch (None where it follows the image) and what to draw from it."""

    shape: LatentShape
    prior: Literal["normal", "sampler", "none"]
    sampler: SamplerSpec | None = None
    denoiser: DenoiserSpec | msgspec.UnsetType = msgspec.UNSET


class WeightsSpec(Strict, frozen=True, kw_only=True):
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


class TrainingSpec(Strict, frozen=True, kw_only=True):
    """Where the weights come from: enough to make them again."""

    recipe: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.toml\Z")]
    data: Line
    steps: Count
    seconds: Seconds
    hardware: Line
    version: Line


class Metric(Strict, frozen=True, kw_only=True):
    """One figure, beside the figure of the baseline, and the command that computed both."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,64}\Z")]
    value: float
    baseline: float | None = None
    stderr: Annotated[float, Meta(ge=0)] | None = None
    split: Name
    n: Count
    protocol: Annotated[str, Meta(max_length=600, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
    command: Line


class CheckpointConfig(Strict, frozen=True, kw_only=True):
    """`config.json`: an `Interface`, hashes and facts.

    Its format is 1; 2 where a model has candidates, a scale, conditions, a log-likelihood or a latent that is denoised;
    or 3 where weights are int8.
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
    conditions: Annotated[tuple[Condition, ...], Meta(min_length=1, max_length=16)] | msgspec.UnsetType = msgspec.UNSET
    capabilities: Annotated[dict[ImageRole, GraphSpec], Meta(min_length=1, max_length=4)]
    weights: WeightsSpec
    training: TrainingSpec | None = None
    metrics: Annotated[tuple[Metric, ...], Meta(max_length=256)] = ()

    def __post_init__(self) -> None:
        """Cross-field rules: id and family agree, each graph has a file of its own; and those of the interface."""
        if self.id.split(".")[0] != self.family:
            raise ValueError(f"id {self.id!r} does not begin with its family {self.family!r}")
        if self.format != max(self.interface.format, weights_format(self.weights.dtype)):
            raise ValueError(
                "format 2 is for models with candidates, a scale, conditions, a log-likelihood or a latent that is "
                "denoised, format 3 for int8 weights, and these need it"
            )
        specs = self.graph_specs().values()
        if len({spec.graph for spec in specs}) != len(specs):
            raise ValueError("two capabilities share one graph file")

    @property
    def interface(self) -> Interface:
        """What the model promises."""
        roles = {
            name: Role(spec.input, spec.output, spec.fit, spec.scale or 1, bool(spec.log_likelihood))
            for name, spec in self.capabilities.items()
        }
        latent = None
        if given := self.latent:
            noise = given.sampler.noise if given.sampler else None
            latent = Latent(given.shape, given.prior, noise, given.denoiser.repeat if given.denoiser else 1)
        return Interface(roles=roles, latent=latent, conditions=self.conditions or ())

    def graph_specs(self) -> dict[RoleName, GraphSpec | SamplerSpec | DenoiserSpec]:
        """What config.json says of the graph of each role."""
        specs: dict[RoleName, GraphSpec | SamplerSpec | DenoiserSpec] = {}
        specs.update(self.capabilities.items())
        if self.latent and self.latent.sampler:
            specs["sample"] = self.latent.sampler
        if self.latent and self.latent.denoiser:
            specs["denoise"] = self.latent.denoiser
        return specs

    def can(self) -> tuple[Capability, ...]:
        """Every capability of the model, `generate` included, in the order of its methods."""
        return self.interface.can()


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
    """A trained member of a family, its checkpoint's source (`bundled:PACKAGE/TAG`), and which pictures it expects."""

    config: CheckpointConfig
    source: str
    expects: Expects | None = None

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
    refuse_obeyed(data, name)
    return config


def refuse_obeyed(data: bytes, name: str | PurePath) -> None:
    """Raise UnsafeFileError for JSON with a character that a terminal would obey."""
    if data.isascii() and b"\\" not in data and b"\x7f" not in data:  # it can hold nothing of that kind
        return
    for text in _texts(msgspec.json.decode(data)):
        if found := obeyed(text):
            raise UnsafeFileError(
                f"{name} holds a character that a terminal obeys, U+{ord(found[0]):04X}, in {text[:60]!r}: refused"
            )


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
