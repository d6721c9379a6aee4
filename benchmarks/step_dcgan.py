"""Pictures a second in training a DCGAN: this project's loop beside the shortest loop written by hand.

    python benchmarks/step_dcgan.py [--recipe dcgan.mnist] [--data SOURCE] [--steps 16] [--rounds 5]

Both train the same networks from the same weights on the same batches, made before the clock starts, in the recipe's
precision and memory layout, with the same loss, augmentation and R1, and PyTorch's Adam; a recipe's R1 is taken in some
steps only, so steps without it and with it are measured apart. Ours does what a run does as well: schedules, the weight
average, finite losses, figures. The rounds alternate, so that both see the same machine; the ratio is the median of the
rounds'.
"""

from __future__ import annotations

import argparse
import time
from typing import cast

import steps
import torch
from torch.nn.functional import softplus

from zoo.recipes.recipe import Recipe
from zoo.training.loop import Training
from zoo_dcgan.augment import augmented
from zoo_dcgan.network import Discriminator, Generator
from zoo_dcgan.objective import DCGANObjective


def by_hand(recipe: Recipe, training: Training, batches: steps.Batches) -> float:
    """Seconds of the shortest loop: binary cross-entropy, R1, two optimizers, autocast."""
    objective = cast(DCGANObjective, training.objective)
    config, options = objective.config, objective.options
    layout = torch.channels_last if recipe.train.channels_last else torch.contiguous_format
    generator = Generator(config).to(memory_format=layout)
    discriminator = Discriminator(config, options.dropout, options.spectral_norm, options.hidden)
    discriminator.to(memory_format=layout)
    generator.load_state_dict(training.nets["generator"].state_dict())
    discriminator.load_state_dict(training.nets["discriminator"].state_dict())
    first, second = (
        torch.optim.AdamW(net.parameters(), lr=table.lr, betas=table.betas, weight_decay=0.0, fused=True)
        for net, table in (
            (discriminator, recipe.optimizer["discriminator"]),
            (generator, recipe.optimizer["generator"]),
        )
    )
    low, rng = recipe.train.precision == "bf16", torch.Generator().manual_seed(0)
    began = time.perf_counter()
    for _, target, *_ in batches:
        z = torch.randn((len(target), config.noise), generator=rng)
        real = augmented(target.to(memory_format=layout) * 2 - 1, options.augment, rng)
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            fake = generator(z)
            seen = torch.cat([real, augmented(fake.detach(), options.augment, rng)])
            on_real, on_fake = discriminator(seen).chunk(2)
        loss = softplus(-on_real).mean() + softplus(on_fake).mean()
        if options.r1:
            given = real.detach().requires_grad_()
            (slope,) = torch.autograd.grad(discriminator(given).sum(), given, create_graph=True)
            loss = loss + 0.5 * options.r1 * slope.square().sum(dim=(1, 2, 3)).mean()
        first.zero_grad()
        loss.backward()
        first.step()
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            on_fake = discriminator(augmented(fake, options.augment, rng))
        second.zero_grad()
        softplus(-on_fake).mean().backward(inputs=list(generator.parameters()))
        second.step()
    return time.perf_counter() - began


def main() -> None:
    """Print a Markdown table: a step without R1, and one with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="dcgan.mnist")
    parser.add_argument("--data", help="source of pictures instead of the recipe's")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    print("| recipe | pictures a second, ours | by hand | ratio |\n|---|---|---|---|")
    for change in ("objective.r1=0.0", "objective.r1_interval=1"):
        changes = (change, f"data.source={asked.data}") if asked.data else (change,)
        cells = steps.compared(asked.recipe, changes, by_hand, asked.steps, asked.rounds)
        print(f"| {asked.recipe}, {change} | {cells}", flush=True)


if __name__ == "__main__":
    main()
