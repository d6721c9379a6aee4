"""Which pictures a model expects: limits measured on held-out pictures of its recipe, and how well they tell others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.catalog.expects import Expects, Limits, Noted
from zoo.checkpoints.cards import read_card, write_card
from zoo.checkpoints.format import write_expects
from zoo.datasets import open_source
from zoo.errors import NotFoundError, UsageError
from zoo.inference.expected import NAMES, Figures, figures_of, over, reconstructs
from zoo.inference.fit import fit_encode
from zoo.loading import find_checkpoint, load
from zoo.metrics.levels import Pictures
from zoo.recipes.degrade import degrade
from zoo.recipes.pictures import Degradation, PairTable, ShrinkTable
from zoo.recipes.seeds import derive

if TYPE_CHECKING:
    from zoo.catalog.registry import Registry
    from zoo.evaluation.networks import BackendName
    from zoo.inference.model import Model
    from zoo.recipes.recipe import Recipe

Pixels = NDArray[np.uint8]

# Of held-out pictures, this share is over the limit of each of the figures; of all of them together, about 1 in 100.
TAIL = 0.005
# So many standard deviations above the mean of the logarithms leave the same share: what few pictures can't show.
DEVIATIONS = 2.58
# Pictures that are looked at, of the model's own and of other sources; the fewest that limits are measured on.
MOST, MOST_OTHERS, FEWEST = 600, 200, 16
AT_ONCE = 64
# Up to so far a translated picture may be from the reconstruction, whose figures stand for it.
SAME = 2 / 255


def measure(
    name: str,
    registry: Registry,
    recipe: Recipe | None,
    others: Sequence[str] = (),
    backend: str = "auto",
    device: str = "auto",
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Expects:
    """The words of the recipe, or those that the checkpoint has already, and limits for a model that reconstructs.

    Limits are measured on the split that chose the model, and tried on the split of its card and on `others`, sources
    of pictures of other kinds. Raises UsageError where there are no words, and as opening sources does.
    """
    model = load(name, cast("BackendName", backend), device, registry)
    words = (recipe.model.expects if recipe else "") or (model.expects.words if model.expects else "")
    if not words:
        raise UsageError(f'{model.id} says nowhere what it expects: set [model] expects = "..." in its recipe')
    if recipe is None or not reconstructs(model.interface):
        return Expects(words=words)
    best, card = recipe.data.splits.best, recipe.data.splits.card
    degraded = None if isinstance(recipe.degrade, PairTable | ShrinkTable) else recipe.degrade
    held_out = _figures(model, recipe, (recipe.data.source, best), degraded, MOST, report)
    if len(held_out) < FEWEST or not _translates_alike(model, recipe, best):
        return Expects(words=words)
    limits = limits_of(held_out)
    model.expects = Expects(words=words, limits=limits)
    found = {(recipe.data.source, best): held_out}
    if card != best:
        found[recipe.data.source, card] = _figures(model, recipe, (recipe.data.source, card), degraded, MOST, report)
    for other in others:
        place = _place(other, (card, best))
        found[place] = _figures(model, recipe, place, None, MOST_OTHERS, report)
    noted = tuple(
        Noted(pictures=f"{source}, split {split}"[:300], n=len(rows), share=round(float(over(model, rows).mean()), 4))
        for (source, split), rows in found.items()
    )
    command = " ".join([f"zoo eval {name} --expects", *(f"--others {quote(other)}" for other in others)])
    return Expects(words=words, limits=limits, noted=noted, command=command[:300])


def limits_of(held_out: Figures) -> Limits:
    """The limits of figures (N, 4) of held-out pictures: each is over what nearly all of them have."""
    logs = np.log(held_out + 1e-9)
    usual = np.exp(logs.mean(0) + DEVIATIONS * logs.std(0))
    most = np.maximum(np.quantile(held_out, 1 - TAIL, axis=0), usual)
    return Limits(**{name: float(f"{value:.4g}") for name, value in zip(NAMES, most, strict=True)})


def write(name: str, registry: Registry, expects: Expects) -> Path:
    """Put `expects.json` into the checkpoint's folder, and render the card that is there anew; returns the folder."""
    checkpoint = find_checkpoint(name, registry)
    write_expects(checkpoint.folder, expects)
    if read_card(checkpoint.folder):
        write_card(checkpoint.folder, checkpoint.config)
    return checkpoint.folder


def _figures(
    model: Model,
    recipe: Recipe,
    place: tuple[str, str],
    table: Degradation | None,
    most: int,
    report: Callable[[int, int], None],
) -> Figures:
    """Figures (N, 4) of pictures as they are and, where the model is trained on others, as it is given them."""
    pictures = Pictures(open_source(*place, recipe.data.channels))
    at_size = Pictures(pictures.source, _size(model, recipe))
    rows = pictures.spread(most)
    found = []
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        whole = [pictures.picture(row) for row in part]
        if len({picture.shape for picture in whole}) == 1:
            found.append(figures_of(model, np.stack(whole)))
        else:
            found += [figures_of(model, picture[None]) for picture in whole]
        if table:
            found.append(figures_of(model, np.stack([_degraded(at_size.picture(row), table, row) for row in part])))
        report(start + len(part), len(rows))
    return np.concatenate(found)


def _size(model: Model, recipe: Recipe) -> tuple[int, int]:
    """The model's own size, or that of its training."""
    return model.interface.takes("encode").size or (recipe.data.size, recipe.data.size)


def _degraded(pixels: Pixels, table: Degradation, place: int) -> Pixels:
    torch.manual_seed(derive(0, place))
    made: Pixels = degrade(torch.from_numpy(np.array(pixels)), table).numpy()
    return made


def _translates_alike(model: Model, recipe: Recipe, split: str) -> bool:
    """Whether what `translate` answers is the reconstruction: its figures are then known without another decode."""
    if "translate" not in model.capabilities:
        return True
    spec = model.interface.takes("encode")
    if spec != model.interface.takes("translate"):
        return False
    pictures = Pictures(open_source(recipe.data.source, split, recipe.data.channels), _size(model, recipe))
    images = pictures.array(pictures.spread(8))
    seen = fit_encode(model.interface.fit("encode").name, images, lambda batch: batch, spec)
    translated, made = model.backend.run("translate", seen)[0], model.reconstruct(images)
    return translated.shape == made.shape and bool(np.abs(translated - made).max() < SAME)


def _place(text: str, splits: Sequence[str]) -> tuple[str, str]:
    """A source and the first of the splits that it has. Raises NotFoundError as opening it does."""
    for split in splits[:-1]:
        try:
            open_source(text, split)
        except NotFoundError:
            continue
        return text, split
    open_source(text, splits[-1])
    return text, splits[-1]
