"""Beards and the shadow of what is shaved."""

from __future__ import annotations

import numpy as np

from faces.attributes import Attributes, Streams
from faces.fields import mix, ramp
from faces.surface import Surface
from faces.triangles import Floats


def beard_field(points: Floats, style: str) -> Floats:
    """How much beard (...), 0 to 1, grows at canonical points (..., 3)."""
    x, y, z = np.abs(points[..., 0]), points[..., 1], points[..., 2]
    angle = np.arctan2(x, z + 0.75)
    places = [0, 0.12, 0.22, 0.3, 0.55, 0.9, 1.15, 1.3, 1.45]
    top = np.interp(angle, places, [-0.76, -0.76, -0.66, -0.55, -0.52, -0.42, -0.15, 0.05, 0.08])
    low = np.interp(angle, [0, 0.5, 1.2], [-1.13, -1.04, -0.76])
    chin = (
        ramp(y, top + 0.06, top - 0.08)
        * ramp(y, low - 0.1, low + 0.05)
        * ramp(angle, 1.62, 1.42)
        * ramp(x, 0.70, 0.64)  # not on the ears
    )
    lip = (
        ramp(y, -0.42 - 0.28 * x, -0.48 - 0.28 * x) * ramp(y, -0.66, -0.57) * ramp(x, 0.31, 0.22) * ramp(z, 0.05, 0.15)
    )
    if style == "moustache":
        return lip
    if style == "goatee":
        return np.maximum(lip, chin * ramp(angle, 0.42, 0.28) * ramp(y, -1.16, -1.02))
    return np.maximum(chin, lip)


def paint_beard(
    color: Floats,
    surface: Surface,
    lips: Floats,
    attributes: Attributes,
    streams: Streams,
    skin: Floats,
    hair: Floats,
) -> Floats:
    """Colours (P, 3) with a grown man's shadow of shaved hair and, if he has one, his beard; both leave the lips."""
    shadow = streams("stubble").uniform(0, 0.22) * attributes.male * (attributes.age > 0.25)
    if shadow > 0:
        grown = beard_field(surface.canonical, "full") * shadow * surface.body * (1 - lips)
        color = mix(color, skin * 0.55 + np.array([0.02, 0.03, 0.05]), grown)
    if not attributes.beard:
        return color
    style = attributes.beard_style
    beard = beard_field(surface.canonical, style) * surface.body * (1 - lips)
    density = streams("beard_density").uniform(0.75, 0.95)
    noise = np.clip(0.5 + 0.3 * surface.grain, 0, 1)
    if style == "stubble":
        cover: Floats = beard * (0.42 + 0.12 * surface.grain.clip(-2, 2))
    else:
        cover = ramp(beard + 0.25 * (noise - 0.5), 0.15, 0.75) * density
    return mix(color, hair * (0.75 + 0.35 * noise[:, None]), np.clip(cover, 0, 1))
