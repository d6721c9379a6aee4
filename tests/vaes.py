"""Small checkpoints with a latent space, as `tiny` makes them: nothing in them is learned, all of it is linear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import helper
from tiny import make_model, port, write_checkpoint

import zoo
from zoo.inference.model import Model

node = helper.make_node
ZERO = "0" * 64
# What the fitted prior of `write_vae` makes of noise.
SAMPLER = np.array([-1, 3], np.float32)


def write_vae(
    folder: Path, outputs: tuple[str, ...] = ("mean", "log_variance"), prior: str = "normal", **changes: Any
) -> Path:
    """A checkpoint that encodes 4x4 pictures to 2 numbers and decodes them; its sampler, if any, scales noise."""
    draws = np.random.default_rng(0).standard_normal((16, 2))
    weights, image = {"w": draws.astype(np.float16) / 4}, {"channels": 1, "size": [4, 4]}
    models = {
        "encode": make_model(
            [node("Flatten", ["image"], ["row"]), *(node("MatMul", ["row", "w"], [name]) for name in outputs)],
            inputs=[port("image", ["n", 1, 4, 4])],
            outputs=[port(name, ["n", 2]) for name in outputs],
            weights=weights,
        ),
        "decode": make_model(
            [
                node("Transpose", ["w"], ["turned"]),
                node("MatMul", ["latent", "turned"], ["row"]),
                node("Reshape", ["row", "shape"], ["image"]),
            ],
            {"shape": np.array([-1, 1, 4, 4])},
            inputs=[port("latent", ["n", 2])],
            outputs=[port("image", ["n", 1, 4, 4])],
            weights=weights,
        ),
    }
    latent: dict[str, Any] = {"shape": [2], "prior": prior}
    if prior == "sampler":
        ports = [port("noise", ["n", 2])], [port("latent", ["n", 2])]
        models["sample"] = make_model([node("Mul", ["noise", "s"], ["latent"])], {"s": SAMPLER}, *ports, weights={})
        latent["sampler"] = {"graph": "sample.onnx", "sha256": ZERO, "noise": [2]}
    capabilities = {
        "encode": {"graph": "encode.onnx", "sha256": ZERO, "input": image, "fit": "resize"},
        "decode": {"graph": "decode.onnx", "sha256": ZERO, "output": image},
    }
    config = {"latent": latent, "capabilities": capabilities, "task": None, **changes}
    return write_checkpoint(folder, models, weights, **config)


def write_free(folder: Path) -> Path:
    """A checkpoint whose latent, (1, h, w), follows the picture's size: it is its negative, and RGB comes back."""
    weights = {"conv.weight": np.full((3, 1, 1, 1), -1, np.float16)}
    models = {
        "encode": make_model(
            [node("Neg", ["image"], ["mean"])],
            outputs=[port("mean", ["n", 1, "h", "w"])],
            weights={},
        ),
        "decode": make_model(
            [node("Conv", ["latent", "conv.weight"], ["image"])],
            inputs=[port("latent", ["n", 1, "h", "w"])],
            outputs=[port("image", ["n", 3, "h", "w"])],
            weights=weights,
        ),
    }
    latent = {"shape": [1, None, None], "prior": "none"}
    return write_checkpoint(folder, models, weights, latent=latent, task=None, id="tiny.free")


def load_vae(folder: Path, **how: Any) -> Model:
    return zoo.load(f"dir:{write_vae(folder, **how)}")


def load_free(folder: Path) -> Model:
    return zoo.load(f"dir:{write_free(folder)}")
