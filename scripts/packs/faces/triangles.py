"""Triangles: making grids of them, their normals, and drawing them with a depth buffer."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]
Loop = TypeVar("Loop", bound=Callable[..., Any])

# The compiler of the loop over triangles; without it the loop still works, some hundred times slower.
COMPILER = "numba"


class Drawn(NamedTuple):
    """What a picture of triangles shows at each pixel."""

    depth: Floats  # (H, W), larger is nearer, -1e9 where nothing is
    triangle: Ints  # (H, W), -1 where nothing is
    weights: Floats  # (H, W, 3), barycentric

    @property
    def hit(self) -> Bools:
        """Where a triangle is seen."""
        return self.triangle >= 0


def compiled(loop: Loop) -> Loop:
    """The same function, compiled where the compiler is installed."""
    if importlib.util.find_spec(COMPILER) is None:
        return loop
    fast: Loop = importlib.import_module(COMPILER).njit(cache=True)(loop)
    return fast


def draw(points: Floats, faces: Ints, side: int) -> Drawn:
    """Draw triangles: points (N, 3) with x and y in pixels and z towards the viewer, faces (M, 3) of their numbers."""
    depth = np.full((side, side), -1e9, np.float32)
    triangle = np.full((side, side), -1, np.int32)
    weights = np.zeros((side, side, 3), np.float32)
    _rasterise(points, faces, depth, triangle, weights)
    return Drawn(depth, triangle, weights)


@compiled
def _rasterise(points: Floats, faces: Ints, depth: Floats, triangle: Ints, weights: Floats) -> None:
    height, width = depth.shape
    for t in range(faces.shape[0]):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        x0, y0, x1, y1, x2, y2 = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        left, right = max(0, int(np.floor(min(x0, x1, x2)))), min(width - 1, int(np.ceil(max(x0, x1, x2))))
        top, bottom = max(0, int(np.floor(min(y0, y1, y2)))), min(height - 1, int(np.ceil(max(y0, y1, y2))))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                w1 = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) / area
                w2 = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) / area
                w0 = 1 - w1 - w2
                if w0 < -1e-6 or w1 < -1e-6 or w2 < -1e-6:
                    continue
                z = w0 * points[a, 2] + w1 * points[b, 2] + w2 * points[c, 2]
                if z > depth[y, x]:
                    depth[y, x] = z
                    triangle[y, x] = t
                    weights[y, x, 0], weights[y, x, 1], weights[y, x, 2] = w0, w1, w2


def vertex_normals(points: Floats, faces: Ints) -> Floats:
    """Unit normals (N, 3) of the vertices: the sum of their triangles' normals, each as long as its area."""
    origin = points[faces[:, 0]]
    ux, uy, uz = (points[faces[:, 1]] - origin).T
    vx, vy, vz = (points[faces[:, 2]] - origin).T
    corners = faces.ravel()
    sums = [
        # Summed triangle by triangle, in their order.
        np.bincount(corners, weights=np.repeat(normal, 3), minlength=len(points))
        for normal in (uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx)
    ]
    length = np.sqrt(sums[0] ** 2 + sums[1] ** 2 + sums[2] ** 2) + 1e-9
    normals: Floats = np.stack(sums, 1) / length[:, None]
    return normals


def grid_faces(rows: int, columns: int, first: int = 0, wrap: bool = False) -> Ints:
    """Triangles of a grid of vertices, numbered from `first`; with `wrap` the last column meets the first."""
    faces = []
    for i in range(rows - 1):
        for j in range(columns if wrap else columns - 1):
            a, b = i * columns + j, i * columns + (j + 1) % columns
            faces += [(a, b, a + columns), (b, b + columns, a + columns)]
    return np.array(faces, np.int64) + first
