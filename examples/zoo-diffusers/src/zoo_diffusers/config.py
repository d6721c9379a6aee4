"""The configurations, under diffusers' own names, each number within bounds; diffusers is not imported."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from zoo.catalog import ImageSpec, Interface, Latent, Role

Channels = Literal[1, 3]
Width = Annotated[int, Meta(ge=1, le=2048)]
Widths = Annotated[tuple[Width, ...], Meta(min_length=1, max_length=8)]
Counts = Annotated[tuple[Annotated[int, Meta(ge=1, le=16)], ...], Meta(min_length=1, max_length=8)]
Down = Literal["DownEncoderBlock2D", "AttnDownEncoderBlock2D"]
Up = Literal["UpDecoderBlock2D", "AttnUpDecoderBlock2D"]
Activation = Literal["silu", "swish", "mish", "gelu", "relu"]


class Autoencoder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all three have in common. Pictures may be of any size; sides are padded to a multiple of `multiple`.

    `ignored` are entries of diffusers' config.json that do not change what encode and decode compute.
    """

    ignored: ClassVar[frozenset[str]] = frozenset({"force_upcast", "sample_size", "scaling_factor", "shift_factor"})

    in_channels: Channels = 3
    out_channels: Channels = 3
    latent_channels: Annotated[int, Meta(ge=1, le=64)] = 4

    @property
    def multiple(self) -> int:
        """How many pixels are one place of the latent, along each side."""
        raise NotImplementedError

    @property
    def latent_size(self) -> int:
        """Numbers at one place of the latent."""
        return self.latent_channels

    def interface(self) -> Interface:
        """What goes in and out."""
        given = ImageSpec(channels=self.in_channels, multiple=self.multiple)
        made = ImageSpec(channels=self.out_channels, multiple=self.multiple)
        return Interface(
            latent=Latent((self.latent_size, None, None), "none"),
            roles={
                "encode": Role(given, fit="pad"),
                "decode": Role(output=made),
                "translate": Role(given, made, "pad"),
            },
        )


class Blocks(Autoencoder, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What AutoencoderKL and VQModel have in common: residual blocks, each list from the outside in."""

    down_block_types: Annotated[tuple[Down, ...], Meta(min_length=1, max_length=8)] = ("DownEncoderBlock2D",) * 4
    up_block_types: Annotated[tuple[Up, ...], Meta(min_length=1, max_length=8)] = ("UpDecoderBlock2D",) * 4
    block_out_channels: Widths = (128, 256, 512, 512)
    layers_per_block: Annotated[int, Meta(ge=1, le=8)] = 2
    act_fn: Activation = "silu"
    norm_num_groups: Annotated[int, Meta(ge=1, le=256)] = 32
    mid_block_add_attention: bool = True

    def __post_init__(self) -> None:
        """One width for each block, which its norm's groups divide."""
        if not len(self.down_block_types) == len(self.up_block_types) == len(self.block_out_channels):
            raise ValueError("down_block_types, up_block_types and block_out_channels must be equally long")
        if any(width % self.norm_num_groups for width in self.block_out_channels):
            raise ValueError(f"block_out_channels must be multiples of norm_num_groups, {self.norm_num_groups}")

    @property
    def multiple(self) -> int:
        """Every block but the last halves the picture."""
        return int(2 ** (len(self.block_out_channels) - 1))


class KLConfig(Blocks, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """AutoencoderKL; the defaults are those of Stable Diffusion 1 and 2."""

    ignored: ClassVar[frozenset[str]] = Blocks.ignored | {"latents_mean", "latents_std"}

    use_quant_conv: bool = True
    use_post_quant_conv: bool = True


class VQConfig(Blocks, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """VQModel. A latent is a vector of `vq_embed_dim` numbers, by default `latent_channels`, at each place."""

    ignored: ClassVar[frozenset[str]] = Blocks.ignored | {"lookup_from_codebook"}

    latent_channels: Annotated[int, Meta(ge=1, le=64)] = 3
    num_vq_embeddings: Annotated[int, Meta(ge=2, le=65536)] = 256
    vq_embed_dim: Annotated[int, Meta(ge=1, le=256)] | None = None
    norm_type: Literal["group", "spatial"] = "group"

    @property
    def latent_size(self) -> int:
        """Numbers of a code."""
        return self.vq_embed_dim or self.latent_channels


class TinyConfig(Autoencoder, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """AutoencoderTiny; the defaults are those of TAESD."""

    ignored: ClassVar[frozenset[str]] = Autoencoder.ignored | {
        "block_out_channels",
        "latent_magnitude",
        "latent_shift",
    }

    encoder_block_out_channels: Widths = (64, 64, 64, 64)
    decoder_block_out_channels: Widths = (64, 64, 64, 64)
    act_fn: Literal["relu"] = "relu"
    upsample_fn: Literal["nearest"] = "nearest"
    upsampling_scaling_factor: Literal[2] = 2
    num_encoder_blocks: Counts = (1, 3, 3, 3)
    num_decoder_blocks: Counts = (3, 3, 3, 1)

    def __post_init__(self) -> None:
        """One width for each stage, and as many stages out as in."""
        stages = {
            len(self.encoder_block_out_channels),
            len(self.decoder_block_out_channels),
            len(self.num_encoder_blocks),
            len(self.num_decoder_blocks),
        }
        if len(stages) != 1:
            raise ValueError("encoder and decoder must have as many block_out_channels as blocks, both the same")

    @property
    def multiple(self) -> int:
        """Every stage but the first halves the picture."""
        return int(2 ** (len(self.num_encoder_blocks) - 1))
