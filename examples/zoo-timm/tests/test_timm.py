"""The family holds to the zoo's contract, and features are timm's own."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from zoo_timm.__main__ import convert

import zoo
from zoo.errors import UsageError
from zoo.testing import check_family

# One stage of two blocks, of which the second has a mask that timm computes and does not count among the weights.
SMALL_SWIN = {"depths": (2,), "embed_dim": 8, "num_heads": (1,)}


def test_the_family_holds_to_the_contract() -> None:
    """Every failure says what to do."""
    check_family("timm")


@pytest.mark.parametrize(
    ("name", "how"), [("test_efficientnet", {}), ("swin_tiny_patch4_window7_224", SMALL_SWIN)], ids=["conv", "swin"]
)
def test_features_are_those_of_timm(
    name: str, how: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint's, without PyTorch, beside timm's own with the same weights."""
    monkeypatch.setattr(timm, "create_model", functools.partial(timm.create_model, **how))
    made = convert(name, tmp_path / "backbone", random=True)
    assert made.id == f"timm.{name.replace('_', '-')}-random"
    model = zoo.load(f"dir:{tmp_path / 'backbone'}")
    pictures = np.random.default_rng(0).random((2, 3, *made.interface.takes("encode").size), dtype=np.float32)
    body = timm.create_model(name, num_classes=0).eval()
    arrays = model.backend.checkpoint.arrays()
    weights = {key.removeprefix("body."): torch.tensor(array).float() for key, array in arrays.items()}
    assert not body.load_state_dict(weights, strict=False).missing_keys
    mean, std = (torch.tensor(body.pretrained_cfg[key])[:, None, None] for key in ("mean", "std"))
    with torch.no_grad():
        expected = body((torch.from_numpy(pictures) - mean) / std)
    assert np.abs(model.encode(pictures) - expected.numpy()).max() < 1e-5


def test_names_that_are_none_are_told(tmp_path: Path) -> None:
    """In one line, and nothing is written."""
    with pytest.raises(UsageError, match="timm has no 'resnet19'"):
        convert("resnet19", tmp_path / "never", random=True)
    assert not (tmp_path / "never").exists()
