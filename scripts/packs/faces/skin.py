"""Skin, lips, brows and lids."""

from __future__ import annotations

import numpy as np

from faces.attributes import Attributes, Streams
from faces.fields import mix, ramp
from faces.surface import Surface
from faces.triangles import Floats

TONES = np.array(
    [
        [255, 222, 202],
        [243, 200, 172],
        [226, 178, 140],
        [200, 144, 104],
        [150, 98, 64],
        [104, 66, 44],
        [72, 46, 34],
    ]
) / 255.0  # fmt: skip


def skin_color(tone: float) -> Floats:
    """The colour (3,) of a tone from 0, light, to 1, dark."""
    place = tone * 6
    first = min(5, int(place))
    color: Floats = TONES[first] * (1 - place + first) + TONES[first + 1] * (place - first)
    return color


def paint_skin(surface: Surface, skin: Floats) -> Floats:
    """Colours (P, 3) of bare skin, redder on the cheeks and the tip of the nose."""
    color = np.repeat(skin[None], len(surface), 0)
    color *= 1 + 0.007 * surface.grain[:, None]
    x, y, z = surface.canonical.T
    cheeks = np.exp(-((np.abs(x) - 0.42) ** 2 + (y + 0.38) ** 2) / 0.05) * 0.16
    nose = np.exp(-(x**2 / 0.02 + (y + 0.32) ** 2 / 0.012)) * 0.10 * (z > 0.3)
    return mix(color, skin * np.array([1.0, 0.62, 0.58]), (cheeks + nose) * surface.body * (z > -0.3))


def paint_lips(color: Floats, lips: Floats, attributes: Attributes, streams: Streams, skin: Floats) -> Floats:
    """Colours (P, 3) with lips, which cover the share `lips` (P,) of each pixel."""
    if attributes.lipstick:
        draw = streams("lip_colour")
        red = np.array([0.62, 0.12, 0.18]) * draw.uniform(0.8, 1.25) + draw.uniform(0, 0.1, 3)
        return mix(color, red, lips * 0.95)
    red = skin * (np.array([0.90, 0.68, 0.66]) if attributes.male else np.array([0.92, 0.60, 0.62]))
    return mix(color, red, lips * 0.8)


def paint_brows(
    color: Floats, surface: Surface, attributes: Attributes, streams: Streams, skin: Floats, hair: Floats
) -> Floats:
    """Colours (P, 3) with brows, in the colour of the hair, and darker lids."""
    x, (_, y, z), male = np.abs(surface.canonical[:, 0]), surface.canonical.T, attributes.male
    draw = streams("brow_shape")
    height, arch = draw.uniform(0.175, 0.205), draw.uniform(0.2, 0.6)
    thickness = draw.uniform(0.026, 0.036) + 0.014 * male
    along = (x - 0.11) / 0.38
    line = height + 0.03 * along + arch * 0.25 * (0.25 - (along - 0.6) ** 2) - 0.02
    taper = thickness * np.maximum(1.15 - 0.65 * along, 0.05)
    hairs = np.clip(1.5 - np.abs(y - line) / taper, 0, 1)
    brows = hairs * ramp(x, 0.085, 0.15) * ramp(x, 0.53, 0.44) * surface.body * (z > -0.3)
    strength = 0.82 if attributes.hair_color not in {"blond", "gray"} else 0.55
    color = mix(color, hair * 0.7 + skin * 0.06, brows * strength)
    lids = np.exp(-(((x - 0.295) / 0.16) ** 2 + ((y - 0.055) / 0.05) ** 2)) * surface.body * (z > 0)
    return mix(color, skin * np.array([0.62, 0.5, 0.48]), lids * (0.18 if male else 0.35))
