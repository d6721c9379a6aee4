"""The base mesh of a head and the displacements that change its shape, as the wheel has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np

from faces.triangles import Floats, Ints
from faces.wheel import EYE_LEFT, PARTS, TARGETS, UNITS, UPPER_LASHES, Wheel

SEXES = ("female", "male")
AGES = ("child", "young", "old")
ORIGINS = ("african", "asian", "caucasian")
WEIGHTS = ("minweight", "averageweight", "maxweight")
SHAPE_FOLDERS = ("head", "nose", "eyes", "mouth", "chin", "cheek", "ears", "eyebrows", "forehead")
REACH = 4.2  # how far below the eyes the mesh is kept: head, neck, shoulders
SUFFIX = ".target.gz"


class BaseMesh:
    """The part of the mesh that is drawn, cut into triangles.

    `vertices` (N, 3), `faces` (F, 3), `part` (F,) of each triangle, `texture` (F, 3, 2) at its corners, `used` the
    numbers of the vertices in the whole mesh, `total` how many that has.
    """

    def __init__(self, wheel: Wheel) -> None:
        vertices: list[list[float]] = []
        points: list[list[float]] = []
        triangles: list[tuple[int, list[list[int]]]] = []
        part = ""
        for line in wheel.read("mpfb2/3dobjs/base.obj").decode().splitlines():
            kind, *words = line.split() or [""]
            if kind == "v":
                vertices.append([float(word) for word in words[:3]])
            elif kind == "vt":
                points.append([float(word) for word in words[:2]])
            elif kind == "g":
                part = "lashes" if words[0].endswith(UPPER_LASHES) else words[0]
            elif kind == "f" and part in PARTS:
                triangles += [(PARTS.index(part), corners) for corners in _fan(words)]
        self._keep(np.array(vertices), np.array(points), triangles)

    def _keep(self, vertices: Floats, points: Floats, triangles: list[tuple[int, list[list[int]]]]) -> None:
        part = np.array([part for part, _ in triangles])
        corners = np.array([corners for _, corners in triangles])
        faces = corners[:, :, 0]
        eyes = vertices[np.unique(faces[part == EYE_LEFT]), 1].mean()
        near = vertices[faces][:, :, 1].max(1) > eyes - REACH
        faces, self.part = faces[near], part[near]
        self.texture: Floats = points[corners[near][:, :, 1]]
        self.used, renumbered = np.unique(faces, return_inverse=True)
        self.faces: Ints = renumbered.reshape(faces.shape).astype(np.int64)
        self.vertices: Floats = vertices[self.used]
        self.total = len(vertices)


def _fan(words: list[str]) -> Iterator[list[list[int]]]:
    """The triangles of one polygon; a corner is the number of its vertex and of its texture point, from 0."""
    corners = [[int(number) - 1 for number in word.split("/")[:2]] for word in words]
    return ([corners[0], corners[k], corners[k + 1]] for k in range(1, len(corners) - 1))


class Targets:
    """Displacements (N, 3) of the vertices.

    `macro` for sex, age, origin and weight; `shapes` (K, 3N) for features of the face, with their `names`; `units` for
    expressions.
    """

    def __init__(self, wheel: Wheel, mesh: BaseMesh) -> None:
        self._wheel, self._mesh = wheel, mesh
        self.macro: dict[tuple[str, ...], Floats] = {}
        for sex in SEXES:
            for age in AGES:
                for origin in ORIGINS:
                    self.macro[origin, sex, age] = self._read(f"{TARGETS}macrodetails/{origin}-{sex}-{age}{SUFFIX}")
                for weight in WEIGHTS:
                    name = f"universal-{sex}-{age}-averagemuscle-{weight}"
                    self.macro[sex, age, weight] = self._read(f"{TARGETS}macrodetails/{name}{SUFFIX}")
        shapes = dict(self._features())
        self.names = list(shapes)
        self.shapes = np.stack([shape.ravel() for shape in shapes.values()])
        self.units = {PurePosixPath(path).stem: self._read(path) for path in wheel.names(UNITS)}

    def _features(self) -> Iterator[tuple[str, Floats]]:
        """Name and displacement of each feature's target; left and right sides are joined."""
        for folder in SHAPE_FOLDERS:
            for path in self._wheel.names(TARGETS + folder):
                name = PurePosixPath(path).name
                left_out = name.startswith("r-") or "age" in name or "pointed" in name
                if not name.endswith(SUFFIX) or left_out or (folder == "head" and "trans" in name):
                    continue
                shape = self._read(path)
                if name.startswith("l-"):
                    shape = shape + self._read(path.replace("/l-", "/r-"))
                yield name.removesuffix(SUFFIX).removeprefix("l-"), shape

    def _read(self, path: str) -> Floats:
        """One target: lines of a vertex number and its displacement."""
        moved: Floats = np.zeros((self._mesh.total, 3), np.float32)
        for line in self._wheel.read(path).decode().splitlines():
            words = line.split()
            if len(words) == 4 and words[0][0] != "#" and int(words[0]) < self._mesh.total:
                moved[int(words[0])] = [float(word) for word in words[1:]]
        used: Floats = moved[self._mesh.used]
        return used
