"""Pictures a second in training pix2pix.emoji: this project's loop beside the shortest loop written by hand.

    python benchmarks/step_pix2pix.py [--steps 24] [--rounds 5]

Both train the same networks from the same weights on the same batches, made before the clock starts, in the recipe's
precision, with the same optimizers. Ours does what a run does as well: schedules, the weight average, finite losses,
figures. The rounds alternate, so that both see the same machine; the ratio is the median of the rounds'.
"""

from __future__ import annotations

import argparse
import time

import steps
import torch

from zoo.recipes.recipe import Recipe
from zoo.training.loop import Training
from zoo_pix2pix.network import PatchGAN, UNet


def by_hand(recipe: Recipe, training: Training, batches: steps.Batches) -> float:
    """Seconds of the shortest loop: least squares, L1, two optimizers, autocast."""
    generator = UNet(training.objective.config)  # type: ignore[attr-defined]
    options = training.objective.options  # type: ignore[attr-defined]
    layers, norm = options.discriminator_layers, options.discriminator_norm
    discriminator = PatchGAN(4, options.discriminator_channels, layers, norm)
    generator.load_state_dict(training.nets["generator"].state_dict())
    discriminator.load_state_dict(training.nets["discriminator"].state_dict())
    tables = recipe.optimizer
    steps_of = [
        torch.optim.Adam(net.parameters(), lr=tables[name].lr, betas=tables[name].betas, fused=True)
        for name, net in (("generator", generator), ("discriminator", discriminator))
    ]
    low = recipe.train.precision == "bf16"
    began = time.perf_counter()
    for drawing, picture, *_ in batches:
        given, target = drawing * 2 - 1, picture * 2 - 1
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            made = generator(drawing)
            real, fake = discriminator(given, target).float(), discriminator(given, made.detach()).float()
        steps_of[1].zero_grad()
        (((real - 1).square().mean() + fake.square().mean()) / 2).backward()
        steps_of[1].step()
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            answer = discriminator(given, made).float()
        steps_of[0].zero_grad()
        loss = (answer - 1).square().mean() + options.l1_weight * (made.float() - target).abs().mean()
        loss.backward(inputs=list(generator.parameters()))
        steps_of[0].step()
    return time.perf_counter() - began


def main() -> None:
    """Print a Markdown table of one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    print("| recipe | pictures a second, ours | by hand | ratio |\n|---|---|---|---|")
    print(f"| pix2pix.emoji | {steps.compared('pix2pix.emoji', (), by_hand, asked.steps, asked.rounds)}")


if __name__ == "__main__":
    main()
