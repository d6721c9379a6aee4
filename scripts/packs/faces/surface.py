"""What of a head is seen at each pixel."""

from __future__ import annotations

import numpy as np

from faces.triangles import Bools, Drawn, Floats, Ints
from faces.wheel import BODY, SHEET


class Surface:
    """The visible points of a mesh, one for each pixel that shows it (P of them, those of `drawn.hit`).

    Of each: `part`, `canonical` and true `position` (P, 3), `normal` (P, 3) towards the viewer, `openness` to light,
    `around` the head (of long hair), `grain`, a random number.
    """

    def __init__(
        self,
        drawn: Drawn,
        faces: Ints,
        parts: Ints,
        canonical: Floats,
        position: Floats,
        normals: Floats,
        openness: Floats,
        around: Floats,
        grain: Floats,
    ) -> None:
        """Every argument after `drawn`, `faces` and `parts` (of triangles) has a row for each vertex, `grain` a number
        for each pixel of the picture.
        """
        self.hit: Bools = drawn.hit
        self.triangle: Ints = drawn.triangle[self.hit]
        self.weights: Floats = drawn.weights[self.hit][:, :, None]
        self._corners = faces[self.triangle]
        self.part: Ints = parts[self.triangle]
        self.body: Bools = self.part == BODY
        self.sheet: Bools = self.part == SHEET
        self.canonical = self._between(canonical)
        self.position = self._between(position)
        self.normal = facing(self._between(normals))
        self.openness = self._between(openness[:, None])[:, 0]
        self.around = self._between(around[:, None])[:, 0]
        self.grain: Floats = grain[self.hit]

    def __len__(self) -> int:
        return len(self.triangle)

    def _between(self, values: Floats) -> Floats:
        between: Floats = (values[self._corners] * self.weights).sum(1)
        return between

    def of(self, *parts: int) -> Bools:
        """Which pixels (P,) show one of these parts."""
        return np.isin(self.part, parts)

    def looked_up(self, texture: Floats, corners: Floats) -> Floats:
        """A gray texture (H, W) at each pixel; `corners` (F, 3, 2) are its places on the triangles of the base mesh."""
        places = np.zeros((len(self), 2))
        base = self.triangle < len(corners)
        places[base] = (corners[self.triangle[base]] * self.weights[base]).sum(1)
        height, width = texture.shape
        rows = np.clip(((1 - places[:, 1]) * height).astype(int), 0, height - 1)
        columns = np.clip((places[:, 0] * width).astype(int), 0, width - 1)
        seen: Floats = texture[rows, columns]
        return seen


def facing(normals: Floats) -> Floats:
    """Normals (N, 3) made one long and turned to the viewer."""
    unit: Floats = normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9)
    return unit * np.where(unit[:, 2:] < 0, -1, 1)
