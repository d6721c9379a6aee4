"""Answers as bytes: pictures as a file, raw or in JSON; latents raw or in JSON."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from zoo.errors import UsageError
from zoo.web.requests import RAW

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zoo.inference.model import Model
    from zoo.pictures.picture import Picture
    from zoo.web.space import Points, Space

FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "tiff": "image/tiff"}
JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """The body of an answer, what it is, and further headers, with names and values of plain ASCII."""

    body: bytes
    media_type: str
    headers: dict[str, str] = field(default_factory=dict)


def of_json(value: Any) -> Answer:
    """A JSON value."""
    return Answer(json.dumps(value, allow_nan=False, separators=(",", ":")).encode(), JSON)


def of_pictures(pictures: NDArray[np.float32], accept: str) -> Answer:
    """Pictures (N, C, H, W): a PNG, of several a sheet; as JSON a PNG for each in base64; raw uint8 (N, H, W, C)."""
    import numpy as np

    from zoo.pictures.images import from_array
    from zoo.pictures.sheets import sheet

    if RAW in accept:
        levels = np.rint(pictures * 255).astype(np.uint8).transpose(0, 2, 3, 1)
        return Answer(np.ascontiguousarray(levels).tobytes(), RAW, {"x-shape": _shape(levels)})
    if JSON in accept:
        return of_json({"images": [base64.b64encode(_png(from_array(picture))).decode() for picture in pictures]})
    return Answer(_png(sheet(pictures, scale=1) if len(pictures) > 1 else from_array(pictures[0])), FORMATS["png"])


def of_latents(latents: NDArray[np.float32], accept: str) -> Answer:
    """Latents (N, *latent_shape): JSON, or raw float32 in little-endian order."""
    if RAW in accept:
        return Answer(latents.astype("<f4").tobytes(), RAW, {"x-shape": _shape(latents)})
    return of_json({"latents": latents.tolist()})


def of_picture(picture: Picture, wanted: str, accept: str, notes: tuple[str, ...] = ()) -> Answer:
    """A result as a file of the format `wanted`, else of its input's if that holds colours well; as JSON in base64.

    Notes about the input are in the header `x-notes`, percent-encoded JSON.
    """
    from zoo.pictures.images import write_picture

    if wanted and wanted not in FORMATS:
        raise UsageError(f"there is no format {wanted[:20]!r} here: use {', '.join(FORMATS)}")
    kind = wanted or (picture.format.lower() if picture.format.lower() in FORMATS else "png")
    data = BytesIO()
    write_picture(data, picture, format=kind)
    if JSON in accept:
        return of_json({"image": base64.b64encode(data.getvalue()).decode(), "format": kind, "notes": notes})
    return Answer(data.getvalue(), FORMATS[kind], {"x-notes": quote(json.dumps(notes))} if notes else {})


def sample_of(model: Model) -> Answer:
    """A picture to try a model with: a drawing, a photo, or one that the model made itself."""
    interface = model.interface
    drawings = "translate" in interface.roles and interface.fit("translate").of_drawings
    if not drawings and "generate" in interface.can():
        return of_pictures(model.generate(1), "")
    name = "drawing.png" if drawings else "photo.jpg"
    data = files("zoo.web").joinpath("page", "samples", name).read_bytes()
    return Answer(data, FORMATS["png" if drawings else "jpeg"])


def of_space(space: Space) -> Answer:
    """Directions, with float32 arrays as base64 of their bytes in little-endian order."""
    return of_json(
        {
            "shape": space.center.shape,
            "center": _base64(space.center),
            "axes": _base64(space.axes),
            "spread": space.spread.tolist(),
            "names": space.names,
            "vectors": _base64(space.vectors) if space.vectors is not None else "",
        }
    )


def of_points(points: Points) -> Answer:
    """Places on a map."""
    return of_json({"places": points.places.round(4).tolist(), "labels": points.labels, "of": points.of})


def _png(picture: Picture) -> bytes:
    from zoo.pictures.images import write_picture

    data = BytesIO()
    write_picture(data, picture, format="png")
    return data.getvalue()


def _base64(array: NDArray[np.float32]) -> str:
    return base64.b64encode(array.astype("<f4").tobytes()).decode()


def _shape(array: NDArray[Any]) -> str:
    return ",".join(map(str, array.shape))
