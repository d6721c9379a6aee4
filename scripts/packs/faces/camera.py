"""How a face is turned and seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faces.attributes import Attributes, Streams
from faces.fields import ramp
from faces.triangles import Floats

DISTANCE = 14.0  # of the camera from the face


@dataclass(frozen=True)
class Camera:
    """The head's turn, and the projection to a square picture of pixels."""

    yaw: float
    pitch: float
    pivot: Floats  # (3,), what the head turns about
    scale: float  # pixels for each unit of length
    x: float
    y: float
    level: float  # height of the eyes after the turn

    def pose(self, points: Floats, height: Floats) -> Floats:
        """Points (N, 3) turned: the head fully, the shoulders only a little, by the canonical height (N,)."""
        yaw = self.yaw * np.clip(ramp(height, -1.7, -0.85), 0.3, 1)
        pitch = self.pitch * ramp(height, -1.5, -0.85)
        x, y, z = (points - self.pivot).T
        y, z = y * np.cos(pitch) - z * np.sin(pitch), y * np.sin(pitch) + z * np.cos(pitch)
        return np.stack([x * np.cos(yaw) + z * np.sin(yaw), y, -x * np.sin(yaw) + z * np.cos(yaw)], 1)

    def project(self, points: Floats) -> Floats:
        """Turned points to pixels x and y; z stays."""
        near = DISTANCE / (DISTANCE - points[:, 2])
        x = self.x + points[:, 0] * near * self.scale
        y = self.y - (points[:, 1] - self.level) * near * self.scale
        return np.stack([x, y, points[:, 2]], 1)


def draw_camera(attributes: Attributes, streams: Streams, eyes: tuple[Floats, Floats], side: int) -> Camera:
    """The camera of one face, for a picture of `side` pixels each way; the eyes are always nearly in one place."""
    centre = (eyes[0] + eyes[1]) / 2
    draw = streams("camera")
    scale = side * 0.212 / abs(eyes[0][0] - eyes[1][0]) * draw.uniform(0.94, 1.06)
    x, y = side * (0.5 + draw.normal(0, 0.012)), side * (0.45 + draw.normal(0, 0.01))
    pivot = centre - np.array([0, 0.25, 0.75])
    still = Camera(attributes.yaw, attributes.pitch, pivot, scale, x, y, level=0.0)
    level = still.pose(centre[None], np.zeros(1))[0, 1]
    return Camera(attributes.yaw, attributes.pitch, pivot, scale, x, y, level)
