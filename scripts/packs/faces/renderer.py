"""From attributes to a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from faces import glasses
from faces.attributes import Attributes, Streams
from faces.beard import paint_beard
from faces.camera import Camera, draw_camera
from faces.clothes import dress, paint_clothes
from faces.eyes import paint_eyes, paint_mouth_and_lashes
from faces.fields import ramp
from faces.hair import COLUMNS, ROWS, Hair, draw_hair, paint_hair, sheet, thicken
from faces.head import Head
from faces.light import Paint, background, draw_light, lit
from faces.skin import paint_brows, paint_lips, paint_skin, skin_color
from faces.surface import Surface
from faces.triangles import Drawn, Floats, draw, grid_faces, vertex_normals
from faces.wheel import SHEET, Wheel


class Renderer:
    """Renders faces on the mesh of the wheel at `path`; raises UnsafeFileError or IntegrityError for another file."""

    def __init__(self, path: Path) -> None:
        self.head = Head(Wheel(path))

    def render(self, attributes: Attributes, seed: int, index: int, size: int = 128) -> Image.Image:
        """One face in RGB, `size` pixels each way, drawn twice as large and made smaller."""
        streams, side = Streams(seed, index), 2 * size
        hair = draw_hair(attributes, streams)
        vertices = self._vertices(attributes, streams, hair)
        eyes = self.head.eyes(vertices)
        camera = draw_camera(attributes, streams, eyes, side)
        light = draw_light(streams)

        drawn, surface = self._look(vertices, eyes, hair, camera, streams, side)
        paint = self._painted(surface, eyes, hair, attributes, streams)
        image = background(streams, side)
        image[surface.hit] = lit(surface, paint, light, hair.long)
        if attributes.glasses:
            glasses.put_on(image, drawn.depth, vertices, self.head, camera, light, attributes, streams)
        picture = Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8))
        return picture.resize((size, size), Image.Resampling.LANCZOS)

    def _vertices(self, attributes: Attributes, streams: Streams, hair: Hair) -> Floats:
        """The head of this person, its skin pushed outwards by short hair and by cloth."""
        vertices = self.head.shaped(attributes, streams).astype(np.float64)
        normals = self.head.skin_normals(vertices)
        thicken(vertices, self.head, hair, normals)
        dress(vertices, self.head, attributes.clothes, normals)
        return vertices

    def _look(
        self,
        vertices: Floats,
        eyes: tuple[Floats, Floats],
        hair: Hair,
        camera: Camera,
        streams: Streams,
        side: int,
    ) -> tuple[Drawn, Surface]:
        """Draw the mesh, with long hair as a sheet of its own."""
        head, centre = self.head, (eyes[0] + eyes[1]) / 2
        points, faces, parts = vertices, head.mesh.faces, head.mesh.part
        canonical, height, around = head.canonical, head.canonical[:, 1], np.zeros(len(vertices))
        if hair.long:
            falling, along = sheet(vertices, head, hair, centre)
            more = grid_faces(ROWS, COLUMNS, len(vertices))
            points, faces = np.concatenate([points, falling]), np.concatenate([faces, more])
            parts = np.concatenate([parts, np.full(len(more), SHEET)])
            around = np.concatenate([around, along])
            canonical = np.concatenate([canonical, (falling - centre).astype(np.float32)])
            height = np.concatenate([height, falling[:, 1] - centre[1]])
        turned = camera.pose(points, height.astype(np.float64))
        drawn = draw(camera.project(turned), faces, side)
        openness = np.concatenate([head.openness, np.ones(len(points) - len(vertices), np.float32)])
        grain = streams("grain").normal(0, 1, (side, side)).astype(np.float32)
        normals = vertex_normals(turned, faces)
        return drawn, Surface(drawn, faces, parts, canonical, points, normals, openness, around, grain)

    def _painted(
        self,
        surface: Surface,
        eyes: tuple[Floats, Floats],
        hair: Hair,
        attributes: Attributes,
        streams: Streams,
    ) -> Paint:
        """Paint the surface, one thing over the other."""
        head, skin = self.head, skin_color(attributes.skin_tone)
        lips = ramp(surface.looked_up(head.lips, head.mesh.texture) * surface.body, 0.25, 0.8)
        color = paint_skin(surface, skin)
        color = paint_lips(color, lips, attributes, streams, skin)
        color = paint_brows(color, surface, attributes, streams, skin, hair.color)
        color = paint_beard(color, surface, lips, attributes, streams, skin, hair.color)
        color, hairs, strand = paint_hair(color, surface, hair, skin)
        color, cloth = paint_clothes(color, surface, attributes.clothes, streams)
        color = paint_eyes(color, surface, eyes, attributes, streams)
        color = paint_mouth_and_lashes(color, surface, attributes.male, skin)
        return Paint(color, lips, hairs * (1 - cloth), cloth, strand, gloss=0.05 + 0.12 * hair.color.mean())
