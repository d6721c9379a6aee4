"""The tables of a recipe that say what is done to pictures: `[augment]` and `[degrade]`."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Range = tuple[float, float]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of a recipe; an unknown key is an error."""


class AugmentTable(Table, frozen=True, kw_only=True):
    """Changes to the target picture. `crop` is the share of the area that is kept, `aspect` its change of shape.

    `rotate` and `shear` are in degrees and `shift` in shares of the side, along both axes, each drawn evenly between
    minus and plus that; `zoom` is a range of factors. New pixels are filled by repeating the edge, by reflection, or
    with the constant `fill_value`. `blur` is a range of Gaussian sigmas in pixels, for `blur_share` of the pictures.
    `binarize` draws each pixel as black or white, anew each time, with its level as the probability of white
    (Salakhutdinov and Murray 2008), as likelihoods of digits are compared.
    """

    crop: Range = (1.0, 1.0)
    aspect: Range = (1.0, 1.0)
    flip: bool = False
    rotate: Annotated[float, Meta(ge=0.0, le=180.0)] = 0.0
    shift: Annotated[float, Meta(ge=0.0, le=0.5)] = 0.0
    shear: Annotated[float, Meta(ge=0.0, le=60.0)] = 0.0
    zoom: Range = (1.0, 1.0)
    fill: Literal["edge", "reflect", "constant"] = "edge"
    fill_value: Share = 0.0
    blur: Range | None = None
    blur_share: Share = 0.5
    binarize: bool = False

    def __post_init__(self) -> None:
        """Refuse ranges that are no ranges."""
        _check_range("crop", self.crop, 0.0, 1.0)
        _check_range("aspect", self.aspect, 0.0)
        _check_range("zoom", self.zoom, 0.0, 10.0)
        if self.blur:
            _check_range("blur", self.blur, 0.0, 100.0)

    @property
    def crops(self) -> bool:
        """Whether a random part of the picture is taken, and not the whole."""
        return self.crop != (1.0, 1.0) or self.aspect != (1.0, 1.0)

    @property
    def moves(self) -> bool:
        """Whether the picture is turned, shifted, sheared or zoomed."""
        return bool(self.rotate or self.shift or self.shear) or self.zoom != (1.0, 1.0)

    @property
    def random(self) -> bool:
        """Whether anything is drawn at random for each picture alone."""
        return self.crops or self.moves or self.flip or bool(self.blur)


def _check_range(name: str, bounds: Range, above: float, most: float = math.inf) -> None:
    if not above < bounds[0] <= bounds[1] <= most:
        raise ValueError(f"{name} must be [low, high] with {above:g} < low <= high <= {most:g}")


class GrayscaleTable(Table, tag="grayscale", tag_field="kind", frozen=True, kw_only=True):
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


class NoiseTable(Table, tag="noise", tag_field="kind", frozen=True, kw_only=True):
    """The input is the target with Gaussian noise, clamped and rounded to 8 bits as a noisy file is.

    `sigma` is the range its standard deviation in [0, 1] is drawn from; held-out pictures get `eval_sigma`, by
    default the upper end.
    """

    sigma: Range
    eval_sigma: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None

    def __post_init__(self) -> None:
        """Refuse a range that is no range."""
        if not 0.0 <= self.sigma[0] <= self.sigma[1] <= 1.0:
            raise ValueError("sigma must be [low, high] with 0 <= low <= high <= 1")


class EdgesTable(Table, tag="edges", tag_field="kind", frozen=True, kw_only=True):
    """The input is a line drawing of the target, black lines on white, as `zoo.pictures.edges` finds them.

    The settings make it like what people draw, in `sketched_share` of the pictures. `detail` is a factor on the
    thresholds: below 1 finds more lines. `thickness` is in pixels; `wobble` is how far lines stray from the target, in
    pixels; `missing` is the share of the shorter lines that are left out, `gaps` the share of all lines that is rubbed
    out in spots, each a range. Held-out pictures get the plain drawing. `shade` makes the inside of outlines gray in
    all of them, for models whose fit is `shaded-drawing`.
    """

    sketched_share: Share = 0.0
    detail: Range = (1.0, 1.0)
    thickness: tuple[int, int] = (1, 1)
    wobble: Range = (0.0, 0.0)
    missing: Range = (0.0, 0.0)
    gaps: Range = (0.0, 0.0)
    shade: bool = False

    def __post_init__(self) -> None:
        """Refuse ranges that are no ranges."""
        _check_range("detail", self.detail, 0.0, 10.0)
        _check_range("thickness", self.thickness, 0, 15)
        _check_range("wobble", self.wobble, -1e-9, 20.0)
        _check_range("missing", self.missing, -1e-9, 1.0)
        _check_range("gaps", self.gaps, -1e-9, 0.9)


class ShrinkTable(Table, tag="shrink", tag_field="kind", frozen=True, kw_only=True):
    """The input is the target made smaller by a whole `factor`, bicubic with antialiasing, for models with a scale."""

    factor: Annotated[int, Meta(ge=2, le=8)]


class PairTable(Table, tag="pair", tag_field="kind", frozen=True, kw_only=True):
    """Input and target are the two halves of each picture of the source; `target` says which half is wanted.

    The input is brought to `channels`: 1 is luma.
    """

    target: Literal["left", "right"] = "right"
    channels: Literal[1, 3] = 3


Degradation = GrayscaleTable | NoiseTable | EdgesTable | ShrinkTable | PairTable
