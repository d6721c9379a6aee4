"""Encoding many pictures gives what encoding each does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from vae import LOG_VARIANCE, write_vae

import zoo
from zoo.errors import UsageError
from zoo.jobs.encoding import BATCH, encode_all, posterior_all

RNG = np.random.default_rng(0)


class Several:
    """Pictures that are there already."""

    def __init__(self, pictures: list[np.ndarray]) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def picture(self, index: int) -> np.ndarray:
        return self.pictures[index]


def test_batches_and_mixed_sizes_give_what_one_by_one_gives(tmp_path: Path) -> None:
    model = zoo.load(f"dir:{write_vae(tmp_path)}")
    sizes = [4] * BATCH + [4, 6, 8]
    pictures = Several([RNG.integers(0, 256, (1, side, side), np.uint8) for side in sizes])
    rows, heard = [*range(2, BATCH + 3), 0], []
    latents = encode_all(model, pictures, rows, heard.append)
    single = np.concatenate([model.encode(pictures.picture(row)[None]) for row in rows])
    np.testing.assert_allclose(latents, single, atol=1e-5)
    assert heard == [BATCH, len(rows)]
    mean, std = posterior_all(model, pictures, np.array(rows))
    np.testing.assert_allclose(mean, latents, atol=1e-5)
    np.testing.assert_allclose(std, np.exp(LOG_VARIANCE / 2), atol=1e-5)


def test_no_pictures_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no pictures"):
        encode_all(zoo.load(f"dir:{write_vae(tmp_path)}"), Several([]), [])
