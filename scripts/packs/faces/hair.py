"""Hair: the hairline, the fringe, how hair thickens the head, and long hair as a sheet of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faces.attributes import HAIR_COLORS, Attributes, Streams
from faces.fields import mix, ramp
from faces.head import Head
from faces.surface import Surface
from faces.triangles import Floats

ROWS, COLUMNS = 40, 121  # of the sheet


@dataclass(frozen=True)
class Hairline:
    """Where the hair begins: height over the middle of the brow, its roundness, and how far the temples recede."""

    height: float
    roundness: float
    recession: float

    def above(self, points: Floats) -> Floats:
        """Signed height (...) of canonical points (..., 3) above the line."""
        x, y, z = np.abs(points[..., 0]), points[..., 1], points[..., 2]
        places = [-1.6, -1.42, -1.28, -1.12, -0.92, -0.74, -0.66, -0.56, -0.44, -0.25, 0.0, 0.2]
        front = [self.height - 0.22, self.height, self.height + 0.02]
        line = np.interp(z, places, [-0.62, -0.60, -0.45, 0.05, 0.30, 0.22, -0.02, -0.02, 0.33, *front])
        corner = self.recession * np.exp(-(((x - 0.34) / 0.14) ** 2))
        line = line + ramp(z, -0.75, -0.3) * (self.roundness * x * x + corner)
        above: Floats = y - line - 3 * ramp(x, 0.69, 0.74) * ramp(y, 0.42, 0.34)  # not on the ears
        return above


@dataclass(frozen=True)
class Fringe:
    """Hair over the forehead."""

    height: float
    phase: float

    def above(self, points: Floats) -> tuple[Floats, Floats]:
        """How far canonical points are above its edge, and how far to the front, 0 to 1."""
        x = points[..., 0]
        edge = self.height + 0.3 * x**2 + 0.02 * np.sin(x * 19 + self.phase) + 0.012 * np.sin(x * 83)
        return (points[..., 1] - edge) * 6, ramp(points[..., 2], -0.5, -0.2)


@dataclass(frozen=True)
class Hair:
    """One person's hair."""

    line: Hairline
    fringe: Fringe | None
    color: Floats  # (3,)
    bald: bool
    long: bool
    length: float
    thickness: float
    top: float  # how much thicker on top
    part: float  # -1 to 1
    strands: float  # how many
    phase: float
    volume: float
    opening: float  # how much of the face a long sheet leaves open, radians
    ragged: float
    slope: float
    flare: float
    wave: float


def draw_hair(attributes: Attributes, streams: Streams) -> Hair:
    """The hair of one person."""
    draw = streams("hairline")
    recession = draw.uniform(0, 0.2) * (attributes.male * attributes.age**0.5)
    height = draw.uniform(0.64, 0.80) + 0.06 * attributes.male * attributes.age
    line = Hairline(height, draw.uniform(-0.45, -0.1), recession)
    draw = streams("fringe_line")
    fringe = Fringe(draw.uniform(0.30, 0.45), draw.uniform(0, 6)) if attributes.fringe else None
    draw = streams("hair")
    # Drawn in this order.
    thickness, top = draw.uniform(0.03, 0.06), draw.uniform(0.02, 0.15)
    part, strands = draw.uniform(-1, 1), draw.uniform(26, 42)
    shade, phase = draw.uniform(0.85, 1.15), draw.uniform(0, 6)
    return Hair(
        line=line,
        fringe=fringe,
        color=np.array(HAIR_COLORS[attributes.hair_color]) / 255.0 * shade,
        bald=bool(attributes.bald),
        long=bool(attributes.long_hair),
        length=attributes.hair_length,
        thickness=thickness,
        top=top,
        part=part,
        strands=strands,
        phase=phase,
        volume=draw.random(),
        opening=draw.uniform(1.05, 1.35),
        ragged=draw.uniform(0.2, 1),
        slope=draw.uniform(0, 1),
        flare=draw.uniform(-0.5, 0.6),
        wave=draw.random() ** 2,
    )


def thicken(vertices: Floats, head: Head, hair: Hair, normals: Floats) -> None:
    """Push the skin under the hair outwards along its normals, in place."""
    points = head.canonical
    if not hair.bald:
        thickness = hair.thickness + hair.top * ramp(points[:, 1], 0.45, 1.0) * (0.4 + 0.6 * hair.length)
        vertices += normals * (ramp(hair.line.above(points), 0.0, 0.16) * thickness * head.skin)[:, None]
    if hair.fringe:
        above, front = hair.fringe.above(points)
        vertices += normals * (ramp(above, 0, 0.6) * front * 0.05 * head.skin)[:, None]


def sheet(vertices: Floats, head: Head, hair: Hair, centre: Floats) -> tuple[Floats, Floats]:
    """Long hair: a parted sheet that hugs the skull, then falls.

    Returns points (ROWS * COLUMNS, 3) and how far around the head each is, from -1 to 1 with 0 at the back.
    """
    around = np.linspace(-1, 1, COLUMNS)
    upper, middle = _over_skull(vertices[head.skull] - centre, hair, around)
    falling = _falling(upper[-1], middle, hair, around)
    return (np.concatenate([upper, falling]) + centre).reshape(-1, 3), np.tile(around, ROWS)


def _over_skull(skull: Floats, hair: Hair, around: Floats) -> tuple[Floats, Floats]:
    """The upper half of the sheet, on an ellipsoid around the skull, and the ellipsoid's middle."""
    low, high = skull[:, 2].min(), skull[:, 2].max()
    middle = np.array([0, 0.18, (low + high) / 2])
    radii = np.array([np.abs(skull[:, 0]).max(), skull[:, 1].max() - middle[1], (high - low) / 2])
    away = np.abs(around)
    # The start of each lock: from the crown to the front of the parting.
    along = -0.5 + 1.12 * ramp(away, 0.1, 0.95)
    parting = np.full(COLUMNS, hair.part * 0.28) + 0.006 * np.sign(around)
    start = np.stack([parting, np.cos(along), np.sin(along)], 1)
    # Where the lock passes the height of the ears: from the back to beside the face.
    angle = np.sign(around) * (np.pi - hair.opening) * away
    side = np.stack([np.sin(angle), np.full(COLUMNS, -0.08), -np.cos(angle)], 1)
    bump = 1 + 0.010 * np.sin(around * 37 + hair.phase) + 0.008 * np.sin(around * 83)
    thick = ((1.07 + 0.07 * hair.volume) * bump)[:, None]
    rows = []
    for i in range(ROWS // 2):
        s = i / (ROWS - 1) / 0.5
        turn = s**0.9 * np.pi / 2
        lock = start * np.cos(turn) + side * np.sin(turn)
        lock = lock / np.linalg.norm(lock, axis=1, keepdims=True)
        rows.append(middle + lock * radii * thick * (1 + 0.05 * ramp(np.array(s), 0.6, 1.0)))
    return np.stack(rows), middle


def _falling(top: Floats, middle: Floats, hair: Hair, around: Floats) -> Floats:
    """The lower half of the sheet, hanging from the points `top`."""
    tip = (
        (-0.75 - 1.5 * hair.length)
        + 0.10 * np.sin(around * 23 + hair.phase) * hair.ragged
        + 0.10 * np.sin(around * 61) * hair.ragged
        + 0.25 * hair.slope * np.abs(around)
    )
    rows = []
    for i in range(ROWS // 2, ROWS):
        y = top[:, 1] + (tip - top[:, 1]) * (i / (ROWS - 1) / 0.5 - 1)
        drop = top[:, 1] - y
        wide = (
            1
            + hair.flare * 0.22 * np.sin(np.clip(drop, 0, 2) * 1.3)
            + hair.wave * 0.035 * np.sin(drop * 9 + around * 9) * np.clip(drop * 3, 0, 1)
        )
        deep = middle[2] + (top[:, 2] - middle[2]) * wide - 0.1 * np.clip(drop, 0, 1)
        rows.append(np.stack([top[:, 0] * wide, y, deep], 1))
    return np.stack(rows)


def paint_hair(color: Floats, surface: Surface, hair: Hair, skin: Floats) -> tuple[Floats, Floats, Floats]:
    """Colours (P, 3) with hair; how much of each pixel is hair (P,); the pattern of its strands (P,), -1 to 1."""
    points, body = surface.canonical, surface.body
    around = np.arctan2(points[:, 0] - 0.1 * hair.part, points[:, 2] + 0.75)
    strand = (
        np.sin(around * hair.strands + 1.5 * np.sin(points[:, 1] * 6 + hair.phase)) * 0.5
        + np.sin(around * hair.strands * 2.7 + points[:, 1] * 5) * 0.5
    )
    cover: Floats = np.zeros(len(points))
    above = hair.line.above(points)
    if hair.bald:
        shadow = ramp(above, -0.02, 0.15) * body * ramp(points[:, 1], 0.75, 0.3) * 0.5
        color = mix(color, hair.color * 0.5 + skin * 0.3, shadow)
    else:
        cover = ramp(above + 0.02 * strand, -0.015, 0.075) * body
    if hair.fringe:
        over, front = hair.fringe.above(points)
        cover = np.maximum(cover, ramp(over, 0, 0.35) * ramp(front, 0.2, 0.8) * body)
        straight = np.sin(points[:, 0] * 45 + points[:, 1] * 5) * 0.6 + np.sin(points[:, 0] * 101) * 0.4
        strand = np.where(points[:, 2] > -0.35, straight, strand)
    u = surface.around
    falling = np.sin(u * 95 + hair.phase) * 0.5 + np.sin(u * 211 + np.sin(surface.position[:, 1] * 3)) * 0.5
    strand = np.where(surface.sheet, falling, strand)
    cover = np.where(surface.sheet, 1.0, cover)
    return mix(color, hair.color * (1 + 0.16 * strand[:, None]), cover), cover, strand
