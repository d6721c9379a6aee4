"""The configuration of the convolutional VAE family."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from zoo.catalog import ImageSpec, Interface, Latent, Role

Width = Annotated[int, Meta(ge=1, le=2048)]
Stride = Annotated[int, Meta(ge=1, le=4)]


class ConvVAEConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A convolutional VAE for square pictures of `size` pixels a side. The defaults are the preset `reecho`.

    The encoder has one convolution for each entry of `encoder` (channels) and `encoder_strides`; then come `hidden`
    fully connected units, if any, and two layers for mean and log-variance. The decoder comes back the same way:
    `decoder` gives the channels of the first, reshaped picture and of each layer after it, and `decoder_strides` one
    stride for each layer, the last of which gives the picture.

    `upsample` is how the decoder enlarges: by transposed convolutions, or by nearest neighbours before a plain one,
    which leaves no checkerboard (Odena et al. 2016). `input_channels` is 1 for a model that is given gray pictures and
    answers in colour. `fit` is how `translate` takes a picture of another size. `padding` is where convolutions with a
    stride are padded: on all sides, or as Keras does ("end"), so that the odd pixel is below and to the right.

    With `spatial`, there are no fully connected layers: the latent has `latent` channels at each place of the encoder's
    last picture, so that it keeps where things are, as the latents of latent diffusion do (Rombach et al. 2022).
    """

    size: Annotated[int, Meta(ge=8, le=1024)] = 32
    channels: Literal[1, 3] = 3
    input_channels: Literal[1, 3] | None = None
    latent: Annotated[int, Meta(ge=1, le=4096)] = 1024
    spatial: bool = False
    hidden: Annotated[int, Meta(ge=0, le=4096)] = 0
    encoder: Annotated[tuple[Width, ...], Meta(min_length=1, max_length=10)] = (32, 64, 64, 64)
    encoder_strides: tuple[Stride, ...] = (1, 2, 2, 1)
    decoder: Annotated[tuple[Width, ...], Meta(min_length=1, max_length=10)] = (64, 64, 64, 64)
    decoder_strides: tuple[Stride, ...] = (1, 2, 2, 1)
    kernel: Literal[3, 5, 7] = 3
    activation: Literal["relu", "leaky_relu", "silu"] = "relu"
    norm: Literal["batch", "group", "none"] = "batch"
    order: Literal["activation_norm", "norm_activation"] = "activation_norm"
    upsample: Literal["transposed", "nearest"] = "transposed"
    fit: Literal["resize", "chroma"] = "resize"
    padding: Literal["even", "end"] = "even"

    def __post_init__(self) -> None:
        """The layers and the sizes fit together."""
        if len(self.encoder) != len(self.encoder_strides) or len(self.decoder) != len(self.decoder_strides):
            raise ValueError("encoder and decoder need one stride for each of their layers")
        down, up = math.prod(self.encoder_strides), math.prod(self.decoder_strides)
        if self.size % down or self.size % up:
            raise ValueError(f"size {self.size} must be a multiple of the encoder's {down} and the decoder's {up}")
        if self.input_channels == 3 and self.channels == 1:
            raise ValueError("a model of gray pictures takes gray pictures: input_channels can't be 3")
        if self.spatial and (self.hidden or down != up):
            raise ValueError("a spatial latent needs hidden = 0 and a decoder that enlarges as the encoder reduces")
        flat = (self.size // down) ** 2 * self.encoder[-1], (self.size // up) ** 2 * self.decoder[0]
        if not self.spatial and max(flat) * max(self.hidden, 1 if self.hidden else 2 * self.latent) > 2**28:
            raise ValueError("the fully connected layers would hold over 268 million weights: use more strides")
        self.interface()  # refuses channels that the fit can't have

    @property
    def encoded_side(self) -> int:
        """Side of the encoder's last picture."""
        return self.size // math.prod(self.encoder_strides)

    @property
    def decoded_side(self) -> int:
        """Side of the decoder's first picture."""
        return self.size // math.prod(self.decoder_strides)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent."""
        return (self.latent, self.encoded_side, self.encoded_side) if self.spatial else (self.latent,)

    def interface(self) -> Interface:
        """What goes in and out."""
        size = (self.size, self.size)
        given = ImageSpec(channels=self.input_channels or self.channels, size=size)
        made = ImageSpec(channels=self.channels, size=size)
        return Interface(
            latent=Latent(self.latent_shape),
            roles={
                "encode": Role(given, fit="resize"),
                "decode": Role(output=made),
                "translate": Role(given, made, self.fit),
            },
        )
