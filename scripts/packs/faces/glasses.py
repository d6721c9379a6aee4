"""Glasses: rims, bridge and temples as tubes, and lenses; drawn over the finished face."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from faces.attributes import Attributes, Streams
from faces.camera import Camera
from faces.head import Head
from faces.light import Light
from faces.surface import facing
from faces.triangles import Floats, Ints, draw, grid_faces, vertex_normals

# Half width, half height and roundness (2 is an ellipse) of the rims.
SHAPES = {"round": (0.235, 0.225, 2.0), "square": (0.245, 0.195, 3.6), "wide": (0.26, 0.17, 2.7)}
COLORS = ((0.06, 0.06, 0.07), (0.30, 0.17, 0.08), (0.55, 0.50, 0.42), (0.35, 0.06, 0.08))
BENT = 0.30  # how much the front follows the face
CORNERS = 6  # of a tube


class Mesh(NamedTuple):
    """Points (N, 3) and triangles (M, 3)."""

    points: Floats
    faces: Ints


def put_on(
    image: Floats,
    depth: Floats,
    vertices: Floats,
    head: Head,
    camera: Camera,
    light: Light,
    attributes: Attributes,
    streams: Streams,
) -> None:
    """Draw glasses over `image` (S, S, 3), in place, where they are nearer than `depth` (S, S)."""
    style = streams("glasses_style")
    scale, tube = style.uniform(0.92, 1.08), style.uniform(0.016, 0.028)
    color = np.array(COLORS[style.choice(4, p=[0.55, 0.2, 0.15, 0.1])])
    frame, lenses = _meshes(vertices, head, attributes.glasses_shape, scale, tube)
    side = len(image)

    seen = draw(camera.project(camera.pose(lenses.points, np.ones(len(lenses.points)))), lenses.faces, side)
    lens = seen.hit & (seen.depth > depth - 0.02)
    y, x = np.mgrid[:side, :side] / side
    glare = 0.10 * np.exp(-(((x - y * 0.6 - 0.22 - 0.1 * light.direction[0]) / 0.03) ** 2))[lens]
    image[lens] = image[lens] * 0.93 + 0.025 + glare[:, None]

    turned = camera.pose(frame.points, np.ones(len(frame.points)))
    seen = draw(camera.project(turned), frame.faces, side)
    rim = seen.hit & (seen.depth > depth)
    corners = vertex_normals(turned, frame.faces)[frame.faces[seen.triangle[rim]]]
    normal = facing((corners * seen.weights[rim][:, :, None]).sum(1))
    shade = 0.55 + 0.55 * np.clip(normal @ light.direction, 0, 1)
    image[rim] = color * shade[:, None] + 0.35 * (np.clip(normal @ light.halfway, 0, 1) ** 40)[:, None]


def _meshes(vertices: Floats, head: Head, shape: str, scale: float, tube: float) -> tuple[Mesh, Mesh]:
    """The frame and the lenses on this head."""
    eyes = head.eyes(vertices)
    centre = (eyes[0] + eyes[1]) / 2
    half = abs(eyes[0][0] - eyes[1][0]) / 2 + 0.015
    front = max(vertices[head.bridge, 2] + 0.03, eyes[0][2] + head.eye_radius + 0.12) - centre[2]
    left, right = head.temples
    wide = max(vertices[left, 0], -vertices[right, 0]) + 0.015
    width, height, power = SHAPES[shape]
    width, height = width * scale, height * scale
    t = np.linspace(0, 2 * np.pi, 49)
    x = np.sign(np.cos(t)) * np.abs(np.cos(t)) ** (2 / power) * width
    y = np.sign(np.sin(t)) * np.abs(np.sin(t)) ** (2 / power) * height
    rims = [_bend(np.stack([side * half + x, y - 0.03, np.full_like(x, front)], 1)) for side in (-1, 1)]
    tubes = []
    for side, rim in zip((-1, 1), rims, strict=True):
        tubes += [(rim, tube), (_temple(side, half + width, wide, front), tube * 0.9)]
    g = np.linspace(-1, 1, 9)
    over = 1 - g * g
    tubes.append((_bend(np.stack([g * (half - width), 0.03 + 0.045 * over, front + 0.03 * over], 1)), tube * 0.9))
    frame, lenses = _joined([_tube(*it) for it in tubes]), _joined([_lens(rim) for rim in rims])
    return Mesh(frame.points + centre, frame.faces), Mesh(lenses.points + centre, lenses.faces)


def _bend(curve: Floats) -> Floats:
    curve = np.array(curve, float)
    curve[:, 2] -= BENT * curve[:, 0] ** 2
    return curve


def _temple(side: int, outer: float, wide: float, front: float) -> Floats:
    """The line of one temple, from the rim's outer end to behind the ear."""
    hinge = front - BENT * outer**2
    return np.array(
        [
            [side * outer, 0.06, hinge],
            [side * max(outer + 0.02, wide - 0.04), 0.07, hinge - 0.10],
            [side * wide, 0.07, -0.35],
            [side * wide, 0.06, -0.55],
            [side * (wide - 0.08), 0.05, -0.75],
        ]
    )


def _tube(curve: Floats, radius: float) -> Mesh:
    """A tube around a curve (N, 3)."""
    k = np.linspace(0, 2 * np.pi, CORNERS + 1)[:-1]
    along = np.gradient(curve, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    up = np.where(np.abs(along[:, 1:2]) > 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]])
    first = np.cross(along, up)
    first /= np.linalg.norm(first, axis=1, keepdims=True) + 1e-9
    second = np.cross(along, first)
    ring = curve[:, None] + radius * (np.cos(k)[:, None] * first[:, None] + np.sin(k)[:, None] * second[:, None])
    return Mesh(ring.reshape(-1, 3), grid_faces(len(curve), CORNERS, wrap=True))


def _lens(rim: Floats) -> Mesh:
    """A fan from the middle of a rim."""
    fan = [(0, 1 + i, 2 + i) for i in range(len(rim) - 1)]
    return Mesh(np.concatenate([rim.mean(0)[None], rim]), np.array(fan, np.int64))


def _joined(meshes: list[Mesh]) -> Mesh:
    firsts = np.cumsum([0, *(len(mesh.points) for mesh in meshes[:-1])])
    faces = [mesh.faces + first for mesh, first in zip(meshes, firsts, strict=True)]
    return Mesh(np.concatenate([mesh.points for mesh in meshes]), np.concatenate(faces))
