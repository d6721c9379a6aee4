"""The families hold to the zoo's contract, and their answers are those of diffusers."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.autoencoders.vq_model import VQModel
from PIL import Image
from torch import nn
from zoo_diffusers.__main__ import convert
from zoo_diffusers.plugin import TINY_BLOCKS, TINY_LAYERS

import zoo
from zoo.errors import NotFoundError, UnsafeFileError
from zoo.testing import check_family

KINDS: dict[str, tuple[type[nn.Module], dict[str, object]]] = {
    "autoencoder-kl": (AutoencoderKL, TINY_BLOCKS),
    "autoencoder-tiny": (AutoencoderTiny, TINY_LAYERS),
    "vq-model": (VQModel, {**TINY_BLOCKS, "num_vq_embeddings": 16}),
}
Converted = Callable[[str], tuple[nn.Module, Path]]
WITHOUT_TORCH = """
import sys
sys.modules.update(torch=None, diffusers=None)
from zoo.cli.app import call
sys.exit(call(sys.argv[1:]))
"""


def saved(family: str, folder: Path) -> nn.Module:
    """A model of diffusers with random weights, saved by diffusers."""
    kind, settings = KINDS[family]
    torch.manual_seed(0)
    made = kind(**settings).eval()
    made.save_pretrained(folder, safe_serialization=True)
    return made


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    """The model of diffusers and the checkpoint made of it, once for each family."""

    @functools.cache
    def convert_once(family: str) -> tuple[nn.Module, Path]:
        folder = tmp_path_factory.mktemp(family)
        own = saved(family, folder / "saved")
        convert(str(folder / "saved"), folder / "made", tag="small")
        return own, folder / "made"

    return convert_once


@pytest.mark.parametrize("family", KINDS)
def test_the_family_holds_to_the_contract(family: str) -> None:
    """Every failure says what to do."""
    check_family(family)


@pytest.mark.parametrize("family", KINDS)
def test_answers_are_those_of_diffusers(family: str, converted: Converted) -> None:
    """The checkpoint's graphs beside diffusers' own methods with the weights as they were stored."""
    own, made = converted(family)
    model = zoo.load(f"dir:{made}")
    arrays = model.backend.checkpoint.arrays()
    own.load_state_dict({name: torch.tensor(array).float() for name, array in arrays.items()})
    pictures = np.random.default_rng(0).random((2, 3, 16, 24), dtype=np.float32)
    with torch.no_grad():
        answer = own.encode(torch.from_numpy(pictures) * 2 - 1)
        latents = answer.latent_dist.mean if family == "autoencoder-kl" else answer.latents
        decoded = (own.decode(latents).sample / 2 + 0.5).clamp(0, 1)
    assert np.abs(model.encode(pictures) - latents.numpy()).max() < 1e-5
    assert np.abs(model.decode(latents.numpy()) - decoded.numpy()).max() < 1e-5
    assert np.abs(model.reconstruct(pictures) - decoded.numpy()).max() < 1e-5
    if family == "autoencoder-kl":
        assert np.abs(model.posterior(pictures)[1] - answer.latent_dist.std.numpy()).max() < 1e-5


def test_two_pictures_are_interpolated_without_torch(converted: Converted, tmp_path: Path) -> None:
    """Nor with diffusers, from the checkpoint's files alone."""
    _, made = converted("autoencoder-kl")
    for name in ("one.png", "other.png"):
        Image.radial_gradient("L").resize((32, 32)).save(tmp_path / name)
    words = ["interpolate", f"dir:{made}", "one.png", "other.png", "-o", "path.png"]
    command = [sys.executable, "-c", WITHOUT_TORCH, *words]
    subprocess.run(command, check=True, cwd=tmp_path, timeout=600)
    assert (tmp_path / "path.png").exists()


def test_what_is_no_autoencoder_is_told(tmp_path: Path) -> None:
    """In one line, and nothing is written."""
    with pytest.raises(NotFoundError, match="--subfolder vae"):
        convert(str(tmp_path / "nothing"), tmp_path / "never")
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": "UNet2DModel"}))
    with pytest.raises(UnsafeFileError, match="'UNet2DModel'; what can be had are AutoencoderKL"):
        convert(str(tmp_path), tmp_path / "never")
    assert not (tmp_path / "never").exists()
