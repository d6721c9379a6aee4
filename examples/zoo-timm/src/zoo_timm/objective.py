"""What the colorizing U-Net trains on: the zoo's own colorizer's objective, with another network."""

from __future__ import annotations

import logging
from typing import Literal

import timm
from torch import nn

from zoo.errors import TrainingError
from zoo_colorizer.objective import ColorizerObjective, ColorizerOptions
from zoo_timm.unet import ColorizerUNet


class ColorizerUNetOptions(ColorizerOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective]`: the colorizer's, and where the encoder's weights come from.

    `pretrained`: "yes" from the Hugging Face Hub, "if-reachable" likewise but at random where that fails, "no" at
    random.
    """

    pretrained: Literal["yes", "if-reachable", "no"] = "no"


class ColorizerUNetObjective(ColorizerObjective):
    """Huber loss on a and b, weighted by the rarity of the true colour: see `ColorizerObjective`."""

    Options = ColorizerUNetOptions
    options: ColorizerUNetOptions

    def networks(self) -> dict[str, nn.Module]:
        """One player, its encoder pretrained if so asked."""
        network = ColorizerUNet(self.config)
        if self.options.pretrained != "no":
            self._fill(network.encoder, self.config.backbone)
        return {"model": network}

    def _fill(self, encoder: nn.Module, backbone: str) -> None:
        try:
            found = timm.create_model(backbone, pretrained=True, features_only=True)
        except Exception as error:  # timm passes on whatever the network, the disk or the Hub's client raises
            advice = f"no pretrained weights of {backbone}: {error}"
            if self.options.pretrained == "yes":
                raise TrainingError(f"{advice}; set objective.pretrained = 'no' to begin at random") from error
            logging.getLogger("zoo").warning("%s; the encoder begins at random", advice)
        else:
            encoder.load_state_dict(found.state_dict())
