"""Small checkpoints with conditions, or with steps: what comes out of them can be computed in the head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import helper
from tiny import make_model, port, write_checkpoint

KIND = {"name": "kind", "labels": ["cat", "dog"], "range": None, "roles": ["decode", "translate"]}
LIGHT = {"name": "light", "labels": [], "range": [0.0, 1.0], "roles": ["decode", "translate"]}
SIDE = 4
CONSTANTS = {
    "axes": np.array([1], np.int64),
    "places": np.array([2, 3], np.int64),
    # Of (cat, dog, light): a cat is dark, a dog light, and `light` is added.
    "levels": np.array([[0.1], [0.5], [0.4]], np.float32),
}


def told(value: str, made: str) -> list[Any]:
    """Nodes that add to an image what its condition says, one number for each image."""
    return [
        helper.make_node("MatMul", ["condition", "levels"], ["level"]),
        helper.make_node("Unsqueeze", ["level", "places"], ["plane"]),
        helper.make_node("Mul", [value, "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "plane"], [made]),
    ]


def write_told(folder: Path) -> Path:
    """A checkpoint that decodes to one level, and translates to one level, which its two conditions say."""
    condition = port("condition", ["n", 3])
    constants = CONSTANTS | {"zero": np.array(0, np.float32)}
    latent, image = port("latent", ["n", 1, SIDE, SIDE]), port("image", ["n", 1, "h", "w"])
    decode = make_model(told("latent", "image"), constants, [latent, condition], [port("image", ["n", 1, SIDE, SIDE])])
    translate = make_model(
        told("image", "translated"), constants, [image, condition], [port("translated", ["n", 1, "h", "w"])]
    )
    gray = {"channels": 1, "size": [SIDE, SIDE]}
    return write_checkpoint(
        folder,
        {"decode": decode, "translate": translate},
        format=2,
        task=None,
        latent={"shape": [1, SIDE, SIDE], "prior": "normal"},
        conditions=[KIND, LIGHT],
        capabilities={
            "decode": {"graph": "decode.onnx", "sha256": "0" * 64, "output": gray},
            "translate": {
                "graph": "translate.onnx", "sha256": "0" * 64, "fit": "tile",
                "input": {"channels": 1}, "output": {"channels": 1},
            },
        },
    )  # fmt: skip


def write_steps(folder: Path) -> Path:
    """A checkpoint whose step takes away what it goes of the way, (from - to) x, and whose decoder is the identity."""
    latent = port("latent", ["n", 1, SIDE, SIDE])
    nodes = [
        helper.make_node("Split", ["step"], ["from", "to"], axis=1, num_outputs=2),
        helper.make_node("Sub", ["from", "to"], ["way"]),
        helper.make_node("Unsqueeze", ["way", "places"], ["share"]),
        helper.make_node("Mul", ["latent", "share"], ["less"]),
        helper.make_node("Sub", ["latent", "less"], ["denoised"]),
    ]
    places = {"places": np.array([2, 3], np.int64)}
    denoise = make_model(nodes, places, [latent, port("step", ["n", 2])], [port("denoised", ["n", 1, SIDE, SIDE])])
    identity = [helper.make_node("Identity", ["latent"], ["image"])]
    decode = make_model(identity, {}, [latent], [port("image", ["n", 1, SIDE, SIDE])])
    denoiser = {"graph": "denoise.onnx", "sha256": "0" * 64, "repeat": 5}
    return write_checkpoint(
        folder,
        {"decode": decode, "denoise": denoise},
        format=2,
        task=None,
        latent={"shape": [1, SIDE, SIDE], "prior": "normal", "denoiser": denoiser},
        capabilities={
            "decode": {"graph": "decode.onnx", "sha256": "0" * 64, "output": {"channels": 1, "size": [SIDE, SIDE]}}
        },
    )
