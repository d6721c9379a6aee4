"""Pictures that the tests of picture files share."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, features


def needs_avif(value):
    return pytest.param(value, marks=pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF"))


def scene(height=24, width=40):
    """A smooth colour picture, which lossy formats keep, with four different corners."""
    down, across = np.mgrid[:height, :width]
    planes = (255 * down / height, 255 * across / width, 40 + 150 * (down + across) / (height + width))
    return Image.fromarray(np.dstack(planes).astype(np.uint8))


def file_of(image, kind="PNG", **options):
    data = BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()
