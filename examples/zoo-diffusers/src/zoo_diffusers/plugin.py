"""Three families over diffusers. Nothing here imports diffusers or PyTorch: every `zoo` command reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalog import Family, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

TINY_BLOCKS = {
    "down_block_types": ("DownEncoderBlock2D", "DownEncoderBlock2D"),
    "up_block_types": ("UpDecoderBlock2D", "UpDecoderBlock2D"),
    "block_out_channels": (8, 16),
    "layers_per_block": 1,
    "norm_num_groups": 4,
}
TINY_LAYERS = {
    "encoder_block_out_channels": (8, 8),
    "decoder_block_out_channels": (8, 8),
    "num_encoder_blocks": (1, 1),
    "num_decoder_blocks": (1, 1),
}


@hookimpl
def zoo_families() -> Iterator[Family]:
    """One for each class. Their weights are diffusers', so none has an objective."""
    yield Family(
        name="autoencoder-kl",
        summary="diffusers' AutoencoderKL: the latent space of latent diffusion",
        config="zoo_diffusers.config:KLConfig",
        network="zoo_diffusers.network:KL",
        objective="",
        capabilities=("encode", "decode", "translate"),
        paper="https://arxiv.org/abs/2112.10752",
        presets={"stable-diffusion": {}, "tiny": TINY_BLOCKS},
    )
    yield Family(
        name="autoencoder-tiny",
        summary="diffusers' AutoencoderTiny: a small and fast stand-in for AutoencoderKL",
        config="zoo_diffusers.config:TinyConfig",
        network="zoo_diffusers.network:Tiny",
        objective="",
        capabilities=("encode", "decode", "translate"),
        paper="https://github.com/madebyollin/taesd",
        presets={"taesd": {}, "tiny": TINY_LAYERS},
    )
    yield Family(
        name="vq-model",
        summary="diffusers' VQModel: an autoencoder through a codebook",
        config="zoo_diffusers.config:VQConfig",
        network="zoo_diffusers.network:VQ",
        objective="",
        capabilities=("encode", "decode", "translate"),
        paper="https://arxiv.org/abs/2012.09841",
        presets={"base": {}, "tiny": {**TINY_BLOCKS, "num_vq_embeddings": 16}},
    )
