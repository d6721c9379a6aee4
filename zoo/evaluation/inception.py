"""Inception's features, for comparison with figures published elsewhere; its weights are the user's to bring."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch.nn import functional
from torchvision.models import inception_v3

from zoo.arrays import Floats, Pixels
from zoo.errors import NotFoundError
from zoo.metrics.features import WithoutAnswers
from zoo.weights.reading import fill, kind_of, read_pickle, read_safetensors

PREFIX = "inception:"
SIDE, BATCH = 299, 32


class Inception(WithoutAnswers):
    """The 2,048 numbers before the last layer of torchvision's Inception v3 (Szegedy et al. 2016).

    Its weights differ from those of the network that most published Frechet distances are of, so figures compare with
    others in this network only.
    """

    def __init__(self, path: Path) -> None:
        """Read torchvision's weights file, as inception_v3_google-0cc3c7bd.pth, or the same as safetensors.

        A pickle is read as `zoo import` does, in a process of its own. Raises NotFoundError where there is no file,
        UnsafeFileError for one that holds something else.
        """
        if not path.is_file():
            raise NotFoundError(f"no weights {path}: download torchvision's inception_v3 weights and name the file")
        state = read_pickle(path) if kind_of(path) == "pickle" else read_safetensors(path)
        self.text = f"torchvision's Inception v3 ({hashlib.sha256(path.read_bytes()).hexdigest()[:12]})"
        # With this switch it takes pictures in [-1, 1], which its weights were trained on.
        self.net = inception_v3(weights=None, init_weights=False, transform_input=False)
        fill(self.net, state, path.name, "torchvision's inception_v3")
        self.net.fc = torch.nn.Identity()
        self.net.eval()

    @torch.no_grad()
    def features(self, pictures: Pixels) -> Floats:
        """Features (N, 2048) of uint8 pictures (N, C, H, W), each brought to 299 x 299."""
        found = []
        for part in torch.split(torch.from_numpy(pictures), BATCH):
            pixels = part.float().expand(-1, 3, -1, -1) / 127.5 - 1.0
            found.append(self.net(functional.interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True)))
        return torch.cat(found).numpy()
