"""A linear autoencoder as a checkpoint: its latents are exactly known pixels, so that a test can tell what is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import helper
from tiny import make_model, port, write_checkpoint

LOG_VARIANCE = -2.0


def write_vae(folder: Path, dims: int = 2, side: int = 4, *, posterior: bool = True, **changes: Any) -> Path:
    """Gray pictures of `side` x `side`: the latent is the first `dims` pixels, times 4 less 2, decoded likewise."""
    size, node, image = side * side, helper.make_node, {"channels": 1, "size": [side, side]}
    weights = {
        "pick": np.ascontiguousarray(4 * np.eye(size, dims), np.float32),
        "shift": np.full(dims, -2, np.float32),
        "spread": np.full(dims, LOG_VARIANCE, np.float32),
        "back": np.ascontiguousarray(np.eye(dims, size) / 4, np.float32),
        "middle": np.full(size, 0.5, np.float32),
        "nothing": np.zeros((size, dims), np.float32),
    }
    encode = [node("Flatten", ["image"], ["row"]), node("Gemm", ["row", "pick", "shift"], ["mean"])]
    outputs = [port("mean", ["n", dims])]
    if posterior:
        encode.append(node("Gemm", ["row", "nothing", "spread"], ["log_variance"]))
        outputs.append(port("log_variance", ["n", dims]))
    decode = [node("Gemm", ["latent", "back", "middle"], ["row"]), node("Reshape", ["row", "shape"], ["image"])]
    port_in, port_out = port("image", ["n", 1, side, side]), port("latent", ["n", dims])
    models = {
        "encode": make_model(encode, inputs=[port_in], outputs=outputs, weights=weights),
        "decode": make_model(
            decode, {"shape": np.array([-1, 1, side, side])}, inputs=[port_out], outputs=[port_in], weights=weights
        ),
    }
    capabilities = {
        "encode": {"graph": "encode.onnx", "sha256": "0" * 64, "input": image, "fit": "resize"},
        "decode": {"graph": "decode.onnx", "sha256": "0" * 64, "output": image},
    }
    latent = {"shape": [dims], "prior": "normal"}
    settings = {"latent": latent, "capabilities": capabilities, "task": None, "id": "tiny.vae"} | changes
    return write_checkpoint(folder, models, weights, **settings)
