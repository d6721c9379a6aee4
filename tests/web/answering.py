"""Pictures to send to a server, and its answers looked at."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from httpx2 import Response

TOKEN = "a-token-of-the-tests"
HOST = "http://127.0.0.1:8000"
AUTHORIZATION = {"authorization": f"Bearer {TOKEN}"}
RAW = {"accept": "application/octet-stream"}


def picture(size: tuple[int, int] = (6, 4), kind: str = "PNG", **options: Any) -> bytes:
    """A picture's file."""
    data = BytesIO()
    Image.radial_gradient("L").resize(size).convert("RGB").save(data, kind, **options)
    return data.getvalue()


def opened(answer: Response) -> Image.Image:
    """The picture of an answer."""
    assert answer.status_code == 200, answer.text
    image = Image.open(BytesIO(answer.content))
    assert answer.headers["content-type"] == Image.MIME[image.format or ""]
    return image


def refused(answer: Response, status: int) -> str:
    """The one line that an answer refuses with."""
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    line: str = answer.json()["error"]
    assert "\n" not in line
    return line
