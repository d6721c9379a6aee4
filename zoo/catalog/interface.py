"""What a model promises: what each of its graphs takes and gives, as data that everything else asks.

A family's configuration returns an `Interface`; `config.json` of a checkpoint is one with hashes and facts beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from zoo.catalog.conditions import Condition, check_conditions
from zoo.catalog.fits import FITS, Fit, FitSpec
from zoo.catalog.ports import FreeShape, ImageSpec, Kind, Port, Shape, Side, Strict

Capability = Literal["encode", "decode", "generate", "translate"]
# What a graph may be for: a capability, `candidates` of `translate`, `sample`, which draws latents from noise, or
# `denoise`, which is run again and again before a latent is decoded.
RoleName = Literal["encode", "decode", "translate", "candidates", "sample", "denoise"]
ImageRole = Literal["encode", "decode", "translate", "candidates"]

Noise = Annotated[tuple[Side, ...], Meta(min_length=1, max_length=4)]
LatentShape = Annotated[tuple[Side | None, ...], Meta(min_length=1, max_length=4)]

# The inputs of each role's graph, called as their kinds, and the names and kinds of its outputs.
_PORTS: Mapping[RoleName, tuple[tuple[Kind, ...], tuple[tuple[str, Kind], ...]]] = {
    "encode": (("image",), (("mean", "latent"), ("log_variance", "latent"), ("log_likelihood", "number"))),
    "decode": (("latent",), (("image", "image"),)),
    "translate": (("image",), (("translated", "image"),)),
    "candidates": (("image",), (("translated", "image"),)),
    "sample": (("noise",), (("latent", "latent"),)),
    "denoise": (("latent", "step"), (("denoised", "latent"),)),
}
CAPABILITIES: tuple[Capability, ...] = get_args(Capability)
IMAGE_ROLES: tuple[ImageRole, ...] = get_args(ImageRole)
_OPTIONAL = {"log_variance"}
# A free axis of a latent is tried at multiples of this length.
_LATENT_STEP = 4


class Role(Strict, frozen=True):
    """One of a model's graphs: the images it takes (`input`) and gives (`output`), and how others are fitted to it.

    A graph from latents has no input and no fit, one to latents no output. What `translate` gives may be `scale` times
    as high and as wide as what it takes. With `log_likelihood`, `encode` also gives the logarithm of the probability of
    each image, (N,), in nats, as one of 256 levels: a density in [0, 1] less the number of values times ln 256.
    """

    input: ImageSpec | None = None
    output: ImageSpec | None = None
    fit: Fit | None = None
    scale: Annotated[int, Meta(ge=1, le=8)] = 1
    log_likelihood: bool = False

    def __post_init__(self) -> None:
        """The images go with the fit and the scale."""
        if self.fit is None or self.input is None:
            return
        fit = FITS.get(self.fit)
        if fit is None:
            raise ValueError(f"there is no fit {self.fit!r}: it is one of {', '.join(FITS)}")
        size = self.input.size
        if fit.needs_size and (size is None or size[0] != size[1]):
            raise ValueError(f"fit {fit.name!r} needs the size of the square that pictures are brought to")
        for what, image, channels in (("take", self.input, fit.takes), ("give", self.output, fit.gives)):
            if image and channels and image.channels != channels:
                raise ValueError(f"with the fit {fit.name!r} the network must {what} images of channels={channels}")
        if self.scale != 1:
            self._check_scale(fit)

    def _check_scale(self, fit: FitSpec) -> None:
        if not fit.scale:
            allowed = ", ".join(other.name for other in FITS.values() if other.scale)
            raise ValueError(f"fit {fit.name!r} gives images of their own size: scale needs one of {allowed}")
        given, made = (image.size if image else None for image in (self.input, self.output))
        if (made is None) != (given is None) or (given and made != (given[0] * self.scale, given[1] * self.scale)):
            raise ValueError(f"with scale {self.scale} the size of output is that of input times {self.scale}")


class Latent(Strict, frozen=True):
    """The latent space: the shape of one latent, None where it follows the image, and what to draw from it.

    The `prior` is "normal", the standard normal one; "none", if nothing can be drawn; or "sampler", if the network's
    `sample` makes latents of standard normal noise, whose shape is `noise`.

    With `repeat`, a latent becomes an image in many steps, as in diffusion: the network's `denoise` is run that many
    times, or as often as is asked for, before `decode`. It is given the latent and (from, to), shares of the way that
    is left, 1 at the beginning and 0 at the end, (N, 2); it gives the latent at `to`.
    """

    shape: LatentShape
    prior: Literal["normal", "sampler", "none"] = "normal"
    noise: Noise | None = None
    repeat: Annotated[int, Meta(ge=1, le=10_000)] = 1

    def __post_init__(self) -> None:
        """The shape of noise is that of a sampler."""
        if (self.prior == "sampler") != (self.noise is not None):
            raise ValueError("a latent has a sampler exactly if its prior is 'sampler'")


class Interface(Strict, frozen=True, kw_only=True):
    """What a model can do: its graphs by role, its latent space, whose `sample` and `denoise` are, and its conditions.

    The graph `candidates` is like `translate`, but beside the image it is given planes of smooth noise, which choose
    among the answers that are likely: the channels of its input count both.
    """

    roles: Annotated[dict[ImageRole, Role], Meta(min_length=1)]
    latent: Latent | None = None
    conditions: Annotated[tuple[Condition, ...], Meta(max_length=16)] = ()

    def __post_init__(self) -> None:
        """Each role says what goes in and out, and those that belong together agree."""
        for name, role in self.roles.items():
            if name != "decode" and (role.input is None or role.fit is None):
                raise ValueError(f"capability {name!r} must say its input and fit")
            if name != "encode" and role.output is None:
                raise ValueError(f"capability {name!r} must say its output")
            if name in ("encode", "decode") and role.scale != 1:
                raise ValueError(f"capability {name!r} has no scale: only translate has")
            if name != "encode" and role.log_likelihood:
                raise ValueError(f"capability {name!r} gives no log-likelihood: only encode does")
        if "encode" in self.roles and not self.fit("encode").for_encoders:
            fits = ", ".join(fit.name for fit in FITS.values() if fit.for_encoders)
            raise ValueError(
                f"the fit {self.roles['encode'].fit!r} is for models that translate; encode has one of {fits}"
            )
        if "candidates" in self.roles:
            self._check_candidates()
        if {"encode", "decode"} & self.roles.keys() and self.latent is None:
            raise ValueError("a model that encodes or decodes must say its latent")
        if self.latent and self.latent.repeat > 1 and "decode" not in self.roles:
            raise ValueError("a latent that is denoised in steps needs decode")
        check_conditions(self.conditions, self.graphs())

    def _check_candidates(self) -> None:
        """They are answers to the same images, fitted alike."""
        translate, role = self.roles.get("translate"), self.roles["candidates"]
        alike = translate and (role.output, role.fit, role.scale) == (translate.output, translate.fit, translate.scale)
        if not alike:
            raise ValueError("candidates must have the output and the fit of translate")
        given, usual = self.takes("candidates"), self.takes("translate")
        if (given.size, given.multiple) != (usual.size, usual.multiple) or given.channels <= usual.channels:
            raise ValueError("the input of candidates is that of translate with planes of noise after it")

    @property
    def format(self) -> Literal[1, 2]:
        """The oldest format of `config.json` that can say this: the one that is written."""
        roles = self.roles.values()
        newer = "candidates" in self.roles or any(role.scale != 1 or role.log_likelihood for role in roles)
        return 2 if newer or self.conditions or (self.latent and self.latent.repeat > 1) else 1

    def can(self) -> tuple[Capability, ...]:
        """Every capability, `generate` included, in the order of the model's methods."""
        generates = "decode" in self.roles and self.latent is not None and self.latent.prior != "none"
        order: tuple[Capability, ...] = ("encode", "decode", "generate", "translate")
        return tuple(name for name in order if name in self.roles or (name == "generate" and generates))

    def graphs(self) -> tuple[RoleName, ...]:
        """The role of every graph."""
        latent = self.latent
        sample: tuple[RoleName, ...] = ("sample",) if latent and latent.noise else ()
        return (*self.roles, *sample, *(("denoise",) if latent and latent.repeat > 1 else ()))

    def conditions_of(self, role: RoleName) -> tuple[Condition, ...]:
        """What the graph of a role is told."""
        return tuple(condition for condition in self.conditions if role in condition.roles)

    def inputs(self, role: RoleName) -> tuple[Port, ...]:
        """What the graph of a role takes; what it is told comes last."""
        ports = tuple(self._port(role, kind, kind, "input") for kind in _PORTS[role][0])
        width = sum(condition.width for condition in self.conditions_of(role))
        return (*ports, *((Port(name="condition", kind="condition", shape=(width,)),) if width else ()))

    def outputs(self, role: RoleName, count: int | None = None) -> tuple[Port, ...]:
        """What the graph of a role gives, in order; if it gives only `count`, those that are optional are missing."""
        ports = tuple(
            self._port(role, name, kind, "output")
            for name, kind in _PORTS[role][1]
            if kind != "number" or self.roles["encode"].log_likelihood
        )
        return ports if count in (None, len(ports)) else tuple(port for port in ports if not port.optional)

    def free_axes(self, role: RoleName) -> tuple[tuple[int, ...], ...]:
        """For each input, the axes that may be of any length, counted with that of the batch, which always may."""
        return tuple(
            (0, *(axis for axis, length in enumerate(port.shape, 1) if length is None)) for port in self.inputs(role)
        )

    def shape(self, role: RoleName, batch: int, side: int) -> tuple[Shape, ...]:
        """The shape of each input for a batch of items whose free axes are `side` times their least length."""
        return tuple(
            (batch, *(port.multiple * side if length is None else length for length in port.shape))
            for port in self.inputs(role)
        )

    def takes(self, role: RoleName) -> ImageSpec:
        """The images that a role takes. Raises TypeError for one that takes latents."""
        return self._image(role, "input")

    def gives(self, role: RoleName) -> ImageSpec:
        """The images that a role gives. Raises TypeError for one that gives latents."""
        return self._image(role, "output")

    def fit(self, role: RoleName) -> FitSpec:
        """How images are fitted to what a role takes. Raises TypeError for one that takes latents."""
        name = self.roles[role].fit if role in self.roles else None
        if name is None:
            raise TypeError(f"{role} takes no images")
        return FITS[name]

    def scale(self, role: RoleName) -> int:
        """How many times as high and wide the images are that a role gives of those it takes."""
        return self.roles[role].scale if role in self.roles else 1

    def with_sampler(self, noise: int) -> Interface:
        """The same with a fitted prior: latents are drawn from so many values of noise."""
        if self.latent is None:
            raise TypeError("a model without a latent has no prior")
        return msgspec.structs.replace(self, latent=Latent(self.latent.shape, "sampler", (noise,), self.latent.repeat))

    def without_prior(self) -> Interface:
        """The same with nothing to draw latents from."""
        latent = Latent(self.latent.shape, "none", repeat=self.latent.repeat) if self.latent else None
        return msgspec.structs.replace(self, latent=latent)

    def config_json(self, hashes: Mapping[RoleName, str], numbers: int = 0) -> dict[str, Any]:
        """The part of `config.json` that says this, with the sha256 of each graph.

        `numbers` is how many fitted numbers are in the weights file for `sample`.
        """

        def graph(role: RoleName) -> dict[str, str]:
            return {"graph": f"{role}.onnx", "sha256": hashes[role]}

        latent: dict[str, Any] | None = None
        if self.latent:
            noise, repeat = self.latent.noise, self.latent.repeat
            sampler = {**graph("sample"), "noise": noise, "numbers": numbers} if noise else None
            latent = {"shape": self.latent.shape, "prior": self.latent.prior, "sampler": sampler}
            latent |= {"denoiser": {**graph("denoise"), "repeat": repeat}} if repeat > 1 else {}
        roles = {name: {**graph(name), **msgspec.to_builtins(role)} for name, role in self.roles.items()}
        for role in roles.values():  # what format 1 does not know is left out where it is not used
            if role["scale"] == 1:
                del role["scale"]
            if not role["log_likelihood"]:
                del role["log_likelihood"]
        told = {"conditions": msgspec.to_builtins(self.conditions)} if self.conditions else {}
        return {"format": self.format, "latent": latent, **told, "capabilities": roles}

    def _port(self, role: RoleName, name: str, kind: Kind, side: Literal["input", "output"]) -> Port:
        if kind == "image":
            image = self._image(role, side)
            shape: FreeShape = (image.channels, *(image.size or (None, None)))
            return Port(name=name, kind=kind, shape=shape, multiple=image.multiple)
        if kind in ("step", "number"):
            return Port(name=name, kind=kind, shape=(2,) if kind == "step" else ())
        if self.latent is None:
            raise TypeError(f"the model has no {kind}")
        shape = self.latent.noise or () if kind == "noise" else self.latent.shape
        return Port(name=name, kind=kind, shape=shape, multiple=_LATENT_STEP, optional=name in _OPTIONAL)

    def _image(self, role: RoleName, side: Literal["input", "output"]) -> ImageSpec:
        image: ImageSpec | None = getattr(self.roles[role], side) if role in self.roles else None
        if image is None:
            raise TypeError(f"{role} has no images as its {side}")
        return image


def require_known(kind: str, names: object, allowed: Collection[str]) -> None:
    """Raise ValueError, with what is allowed, for the first name that is not; what is no collection is left alone."""
    given = names if isinstance(names, list | tuple | Mapping) else ()
    for name in given:
        if name not in allowed:
            raise ValueError(f"there is no {kind} {name!r}: it is one of {', '.join(allowed)}")
