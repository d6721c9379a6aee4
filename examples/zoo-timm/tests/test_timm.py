"""Both families hold to the zoo's contract, and features are timm's own."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from zoo_timm.__main__ import convert
from zoo_timm.config import ColorizerUNetConfig
from zoo_timm.objective import ColorizerUNetObjective
from zoo_timm.unet import ColorizerUNet

import zoo
from zoo.errors import TrainingError, UsageError
from zoo.testing import check_family

# One stage of two blocks, of which the second has a mask that timm computes and does not count among the weights.
SMALL_SWIN = {"depths": (2,), "embed_dim": 8, "num_heads": (1,)}


@pytest.mark.parametrize("family", ["timm", "colorizer-unet"])
def test_the_family_holds_to_the_contract(family: str) -> None:
    """Every failure says what to do."""
    check_family(family)


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
    pictures = np.random.default_rng(0).random((2, 3, *made.capabilities["encode"].input.size), dtype=np.float32)
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


@pytest.mark.parametrize("backbone", ["test_convnext", "test_resnet"])
def test_the_unet_answers_at_half_the_size(backbone: str) -> None:
    """Whether the backbone's finest features are at a half or a quarter."""
    network = ColorizerUNet(ColorizerUNetConfig(backbone=backbone, width=8, size=64)).eval()
    with torch.no_grad():
        assert network(torch.rand(2, 1, 64, 96)).shape == (2, 2, 32, 48)


def test_weights_come_from_the_hub_where_it_is_reachable(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And else from chance, which is said, unless they are insisted on."""
    create = timm.create_model
    reachable = True

    def created(name: str, *, pretrained: bool = False, **how: Any) -> torch.nn.Module:
        if pretrained and not reachable:
            raise OSError("no route")
        made = create(name, **how)
        if pretrained:
            for parameter in made.parameters():
                torch.nn.init.constant_(parameter, 0.25)
        return made

    monkeypatch.setattr(timm, "create_model", created)
    monkeypatch.setattr(logging.getLogger("zoo"), "propagate", True)
    config = ColorizerUNetConfig(backbone="test_resnet", width=8, size=64)

    def encoder(pretrained: str) -> torch.Tensor:
        options = ColorizerUNetObjective.Options(pretrained=pretrained)
        return next(ColorizerUNetObjective(config, options).networks()["model"].encoder.parameters())

    assert (encoder("yes") == 0.25).all()
    reachable = False
    assert not (encoder("if-reachable") == 0.25).any()
    assert "no route; the encoder begins at random" in caplog.text
    with pytest.raises(TrainingError, match="no route"):
        encoder("yes")
