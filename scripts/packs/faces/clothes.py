"""Collars: their edge, how they stand off the neck, and their colours."""

from __future__ import annotations

import numpy as np

from faces.attributes import Streams
from faces.fields import mix, ramp
from faces.head import Head
from faces.surface import Surface
from faces.triangles import Floats


def below_edge(points: Floats, kind: str) -> Floats:
    """How far (...) canonical points (..., 3) are below the collar's edge; positive is cloth."""
    x, y, z = np.abs(points[..., 0]), points[..., 1], points[..., 2]
    edge = np.interp(z, [-1.5, -1.1, -0.5], [-1.22, -1.27, -1.42])
    if kind == "v_neck":
        edge = edge - 0.42 * np.clip(1 - x / 0.42, 0, 1) * ramp(z, -1.0, -0.6)
    elif kind == "shirt":
        edge = edge + 0.06 - 0.34 * np.clip(1 - x / 0.2, 0, 1) * ramp(z, -1.0, -0.6)
    elif kind == "high_neck":
        edge = edge + 0.24
    else:
        edge = edge - 0.10 * np.clip(1 - (x / 0.5) ** 2, 0, 1)
    return edge - y


def dress(vertices: Floats, head: Head, kind: str, normals: Floats) -> None:
    """Push the skin under the cloth outwards along its normals, in place."""
    below = below_edge(head.canonical, kind)
    vertices += normals * (ramp(below, -0.02, 0.1) * 0.06 * head.skin)[:, None]


def paint_clothes(color: Floats, surface: Surface, kind: str, streams: Streams) -> tuple[Floats, Floats]:
    """Colours (P, 3) with cloth, and how much of each pixel is cloth (P,)."""
    draw = streams("cloth_colour")
    vivid = draw.uniform(0.1, 0.9)
    main = draw.uniform(0.05, 0.95, 3) * vivid + draw.uniform(0.05, 0.95) * (1 - vivid)
    second = np.clip(main * draw.uniform(0.4, 1.6) + draw.uniform(-0.1, 0.1, 3), 0.03, 0.97)
    main = np.clip(main, 0.05, 0.95)
    below = below_edge(surface.canonical, kind)
    cloth: Floats = np.repeat(main[None], len(surface), 0)
    if draw.random() < 0.2:
        cloth = mix(cloth, second, ramp(np.sin(surface.canonical[:, 1] * 40), -0.2, 0.2))
    cloth = mix(cloth, main * (0.78 if kind != "shirt" else 1.12), ramp(below, 0.10, 0.08))
    if kind == "shirt":
        cloth *= 1 - 0.35 * (np.abs(below - 0.13) < 0.02)[:, None]
    cover = ramp(below, -0.012, 0.012) * surface.body
    return mix(color, cloth * (1 + 0.01 * surface.grain[:, None]), cover), cover
