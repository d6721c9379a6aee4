"""Light, what it makes of the painted surface, and the background."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from faces.attributes import Streams
from faces.fields import mix, ramp
from faces.surface import Surface
from faces.triangles import Floats
from faces.wheel import EYE_LEFT, EYE_RIGHT, TEETH_LOWER, TEETH_UPPER, TONGUE


class Light(NamedTuple):
    """A key light, and light from everywhere."""

    direction: Floats  # (3,), towards the light
    halfway: Floats  # (3,), between the light and the viewer
    key: float
    ambient: float
    warmth: Floats  # (3,), tint of the key light


class Paint(NamedTuple):
    """A painted surface: `color` (P, 3), and how much of each pixel (P,) is lips, hair or cloth."""

    color: Floats
    lips: Floats
    hair: Floats
    cloth: Floats
    strand: Floats  # the pattern of the hair, -1 to 1
    gloss: float  # of the hair


def draw_light(streams: Streams) -> Light:
    """The light on one face."""
    draw = streams("light")
    direction = np.array([draw.normal(0, 0.5), draw.uniform(0.15, 0.75), 1.0])
    direction /= np.linalg.norm(direction)
    key, ambient = draw.uniform(0.72, 0.92), draw.uniform(0.34, 0.48)
    warmth = 1 + np.array([1, 0.2, -1]) * draw.normal(0, 0.045)
    halfway = direction + np.array([0, 0, 1])
    halfway /= np.linalg.norm(halfway)
    return Light(direction, halfway, key, ambient, warmth)


def lit(surface: Surface, paint: Paint, light: Light, long_hair: bool) -> Floats:
    """Colours (P, 3) in this light: the key light, wrapped and reddened on skin, the sky, and shine."""
    normal = surface.normal.copy()
    normal[surface.of(TEETH_UPPER, TEETH_LOWER, TONGUE)] = [0, 0.2, 0.98]
    skin = surface.body * (1 - np.clip(paint.hair + paint.cloth, 0, 1))
    wrap = np.array([0.32, 0.20, 0.15]) * skin[:, None] + 0.08
    diffuse = np.clip(((normal @ light.direction)[:, None] + wrap) / (1 + wrap), 0, 1)
    sky = light.ambient * (0.75 + 0.25 * normal[:, 1:2])
    open_ = _openness(surface, paint, long_hair)[:, None]
    image = paint.color * (light.key * diffuse * light.warmth * (0.5 + 0.5 * open_) + sky * open_)
    shine = np.clip(normal @ light.halfway, 0, 1)
    image += (skin * (0.05 * shine**16 + 0.06 * shine**50 + 0.10 * paint.lips * shine**30))[:, None]
    image += (surface.of(EYE_LEFT, EYE_RIGHT) * 0.75 * shine**140)[:, None]
    gloss = paint.hair * paint.gloss * shine**10 * (1 + 0.9 * paint.strand)
    image += gloss[:, None] * np.array([1, 0.96, 0.9])
    # Darker where the surface turns away.
    image *= (1 - 0.22 * (1 - np.abs(normal[:, 2])) ** 3)[:, None]
    return image


def _openness(surface: Surface, paint: Paint, long_hair: bool) -> Floats:
    """How much light from around reaches each pixel (P,): less in creases, below the chin and under long hair."""
    _, y, z = surface.canonical.T
    below_chin = surface.body * ramp(y, -0.95, -1.15) * ramp(z, -0.2, -0.42) * (1 - paint.cloth)
    open_ = np.where(surface.body, surface.openness, 1.0) * (1 - 0.38 * below_chin)
    if long_hair:
        open_ = open_ * (1 - 0.3 * surface.body * ramp(z, -0.3, -0.8) * ramp(y, 0.6, 0.2))
    return np.where(surface.of(TEETH_UPPER, TEETH_LOWER, TONGUE), 0.8, open_)


def background(streams: Streams, side: int) -> Floats:
    """A picture (side, side, 3) of two colours, blended in one direction, and two soft blobs."""
    draw = streams("background")
    first, second = (draw.uniform(0.2, 0.95) * 0.55 + draw.uniform(0.1, 0.9, 3) * 0.45 for _ in range(2))
    y, x = np.mgrid[:side, :side] / side
    angle = draw.uniform(0, 2 * np.pi)
    along = np.clip(0.5 + (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle), 0, 1)
    image = mix(np.repeat(first[None], side * side, 0).reshape(side, side, 3), first * 0.5 + second * 0.5, along)
    for _ in range(2):
        middle_x, middle_y = draw.random(), draw.random()
        radius, strength = draw.uniform(0.1, 0.35), draw.uniform(-0.12, 0.12)
        blob = np.exp(-((x - middle_x) ** 2 + (y - middle_y) ** 2) / radius**2)
        image += strength * blob[..., None]
    return image
