"""The fit `tile`: every pixel once, no seam, bounded work, whatever the size."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.catalog.ports import ImageSpec
from zoo.errors import ZooError
from zoo.inference.fit import fit_translate, tiles

SPEC = ImageSpec(channels=3, multiple=16)
SIZES = [(1, 1), (16, 16), (33, 200), (200, 33), (65, 64), (64, 65), (90, 130), (129, 127)]


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(tiles, "TILE_SIDE", 64)


def pictures(height, width, dtype=np.uint8, count=1):
    levels = np.random.default_rng(0).integers(0, 256, (count, 3, height, width), dtype=np.uint8)
    return levels if dtype == np.uint8 else levels / np.float32(255)


def smooth(height, width):
    down, across = np.mgrid[:height, :width] / 40
    return np.stack([0.5 + 0.3 * np.sin(down + across), 0.5 + 0.3 * np.cos(across), 0.5 + 0.2 * np.sin(down)])[
        None
    ].astype(np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_tiles_of_an_identity_model_give_the_same_image(height, width, dtype):
    images = pictures(height, width, dtype, count=2)
    result = fit_translate("tile", images, lambda batch: batch, SPEC)
    assert result.dtype == dtype
    assert result.transpose(0, 2, 3, 1).flags.c_contiguous
    np.testing.assert_allclose(result, images, atol=1e-6)


@pytest.mark.parametrize("spec", [SPEC, ImageSpec(channels=3, size=(48, 32), multiple=16)])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_model_sees_tiles_of_its_size_only(height, width, spec):
    seen = []
    fit_translate("tile", pictures(height, width), lambda batch: seen.append(batch.shape) or batch, spec)
    most = spec.size or (64, 64)
    for shape in seen:
        assert shape[2] <= most[0]
        assert shape[3] <= most[1]
        assert shape[2] % 16 == shape[3] % 16 == 0
    assert sum(shape[2] * shape[3] for shape in seen) <= 5 * max(height, most[0]) * max(width, most[1])


def gradients(result, axis):
    """Mean absolute difference of neighbours across each line between two pixels along `axis`."""
    steps = np.abs(np.diff(result.astype(np.float64), axis=axis))
    return steps.mean(axis=tuple(other for other in range(4) if other != axis))


@pytest.mark.parametrize(("height", "width"), [(200, 300), (150, 70), (70, 150)])
def test_tiles_of_different_tones_show_no_seam(height, width):
    """As with instance norm: what a tile answers depends on all that is in it."""
    calls = []

    def toned(batch):
        calls.append(batch)
        return (batch * (0.8 if len(calls) % 2 else 1.0) - batch.mean(axis=(2, 3), keepdims=True) + 0.5).clip(0, 1)

    result = fit_translate("tile", smooth(height, width), toned, SPEC)
    assert len(calls) > 2
    for axis, length in ((2, height), (3, width)):
        if length <= 64:
            continue
        steps = gradients(result, axis)
        starts = tiles._starts(length, 64)
        for border in [start - 1 for start in starts[1:]] + [start + 63 for start in starts[:-1]]:
            assert stands_out(steps, border) < 1.1


def stands_out(steps, border):
    """The step at a border over the largest of those around it."""
    return steps[border] / np.delete(steps[border - 4 : border + 5], 4).max()


def test_tiles_set_hard_beside_each_other_would_show():
    """What the test of seams measures is there without blending."""
    picture = smooth(64, 128)
    halves = [(picture[..., :64] * 0.8 + 0.1), picture[..., 64:]]
    steps = gradients(np.concatenate(halves, axis=3), 3)
    assert stands_out(steps, 63) > 3


def test_a_picture_does_not_depend_on_its_batch():
    images = pictures(100, 90, count=3)
    tone = lambda batch: batch - batch.mean(axis=(1, 2, 3), keepdims=True)  # noqa: E731
    whole = fit_translate("tile", images, tone, SPEC)
    np.testing.assert_array_equal(fit_translate("tile", images[1:2], tone, SPEC)[0], whole[1])


def test_a_model_may_answer_in_other_channels():
    result = fit_translate(
        "tile", pictures(100, 70), lambda batch: batch.repeat(3, axis=1), ImageSpec(channels=1, multiple=16)
    )
    assert result.shape == (1, 3, 100, 70)


def test_an_answer_of_another_size_is_an_error():
    with pytest.raises(ZooError, match="'tile' needs equal sizes"):
        fit_translate("tile", pictures(100, 70), lambda batch: batch[..., ::2], SPEC)
