"""A job measured on pictures: the model's answer beside the input, both against the true picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.catalog.spec import Metric
from zoo.evaluation import figures, pairs
from zoo.evaluation.restoration import Method, Pair, colourers, denoisers
from zoo.training.data import derive
from zoo.training.degrade import degrade, fixed
from zoo.training.halves import Halves
from zoo.training.recipe_pictures import EdgesTable, GrayscaleTable, NoiseTable, PairTable

if TYPE_CHECKING:
    from zoo.evaluation.pictures import Pictures
    from zoo.evaluation.setting import Setting
    from zoo.inference.model import Model
    from zoo.training.recipe_pictures import Degradation

PROTOCOL = (
    "8-bit sRGB {size}, one picture at a time; the input is {input}; doing nothing is to show the input; "
    "psnr_gain is paired by picture, gaining is the share of pictures that gain"
)
COLOURS = (
    "; one_tint_gain is that of laying the model's mean a and b over every picture; "
    "chroma is the median over pictures of mean Lab chroma over the true picture's"
)
METHODS = "{text}; its setting chosen by PSNR on training pictures; 8-bit levels, the same inputs as the model's"
# How many training pictures a method's one setting is chosen on.
CHOSEN_ON = 200

Row = dict[str, float]


def measure(
    model: Model, test: Pictures, train: Pictures | None, table: Degradation | None, setting: Setting
) -> list[Metric]:
    """PSNR, SSIM and colour of every picture, summed up beside the figures of doing nothing and of other methods.

    The methods are fitted to `train`, and left out without it.
    """
    if isinstance(table, EdgesTable | PairTable) and train is not None:
        return _on_pairs(model, test, train, table, setting)
    methods = _methods(train, table)
    rows, bases, tints = [], [], []
    others: dict[str, list[float]] = {method.name: [] for method in methods}
    for index in range(len(test)):
        given, true = pair(test, index, table)
        made = model.translate(given[None])[0]
        colours = len(given) < len(made)
        if colours:
            tints.append(figures.tint(made))
        rows.append(_row(made, true, colours))
        bases.append(_row(np.broadcast_to(given, made.shape), true, colours))
        for method in methods:
            others[method.name].append(figures.psnr(method.apply(given), true))
        setting.report(index + 1, len(test))
    size = f"at {test.size[1]} x {test.size[0]}" if test.size else "at full size"
    protocol = PROTOCOL.format(size=size, input=_input(table)) + (COLOURS if tints else "")
    base_by = _columns(bases)
    found = _figures(_columns(rows), base_by)
    if tints:
        found.insert(4, ("one_tint_gain", _one_tint(test, table, tints, base_by["psnr"]), 0.0))
    metrics = [setting.metric(name, value, protocol, len(rows), baseline) for name, value, baseline in found]
    nothing = float(base_by["psnr"].mean())
    return metrics + [
        setting.metric(
            f"psnr_{method.name}",
            figures.mean(np.array(others[method.name])),
            METHODS.format(text=method.text),
            len(rows),
            nothing,
        )
        for method in methods
    ]


def _on_pairs(model: Model, test: Pictures, train: Pictures, table: Degradation, setting: Setting) -> list[Metric]:
    """Figures of a model that is given drawings, or half of a pair."""
    words = f"at {test.size[1]} x {test.size[0]}" if test.size else "at full size", _input(table)
    known = train.spread(pairs.TRAINING_PICTURES)
    held_out, training = (partial(pair, pictures, table=table) for pictures in (test, train))
    return pairs.measure(model, held_out, len(test), training, known, words, setting)


def pair(pictures: Pictures, index: int, table: Degradation | None) -> Pair:
    """What the model is given of a picture, and the picture."""
    if isinstance(table, PairTable):
        both = Halves(pictures.source, table).picture(index)
        wanted = len(both) - table.channels
        return both[wanted:], both[:wanted]
    true = pictures.picture(index)
    torch.manual_seed(derive(0, index))
    # A drawing is given as people draw it: a model that sees shaded ones has them shaded by its fit.
    settings = EdgesTable() if isinstance(table, EdgesTable) else fixed(table)
    return (degrade(torch.from_numpy(np.array(true)), settings).numpy() if settings else true), true


def _methods(train: Pictures | None, table: Degradation | None) -> list[Method]:
    """Those for the job that the degradation makes."""
    if train is None:
        return []
    same_size = train.array() if train.size else None
    if isinstance(table, NoiseTable):
        return denoisers([pair(train, index, table) for index in train.spread(CHOSEN_ON)], same_size)
    if isinstance(table, GrayscaleTable):
        return colourers(same_size)
    return []


def _input(table: Degradation | None) -> str:
    """What the model is given, in words."""
    if isinstance(table, NoiseTable):
        settings = fixed(table)
        assert isinstance(settings, NoiseTable)
        return (
            f"the picture with Gaussian noise of standard deviation {settings.sigma[0]:g} (of 1), rounded to 8 bits, "
            "seeded by the picture's place"
        )
    if isinstance(table, GrayscaleTable):
        return "the picture's luma (Pillow's mode L)"
    if isinstance(table, PairTable):
        return "the other half of the pair"
    return "a line drawing of the picture (Canny's edges)" if table else "the picture itself"


def _figures(
    made_by: dict[str, NDArray[np.float64]], base_by: dict[str, NDArray[np.float64]]
) -> list[tuple[str, figures.Summary, float]]:
    """Each figure's name, value and that of doing nothing."""
    gain = made_by["psnr"] - base_by["psnr"]
    found = [
        ("psnr", figures.mean(made_by["psnr"]), float(base_by["psnr"].mean())),
        ("psnr_gain", figures.mean(gain), 0.0),
        ("gaining", figures.mean((gain > 0).astype(np.float64)), 0.0),
        ("ssim", figures.mean(made_by["ssim"]), float(base_by["ssim"].mean())),
    ]
    if "chroma" in made_by:
        found += [
            ("colourfulness", figures.mean(made_by["colourfulness"]), float(base_by["colourfulness"].mean())),
            ("chroma", figures.median(made_by["chroma"]), float(np.median(base_by["chroma"]))),
        ]
    return found


def _one_tint(
    pictures: Pictures,
    table: Degradation | None,
    tints: Sequence[tuple[float, float]],
    base: NDArray[np.float64],
) -> figures.Summary:
    """Gain in PSNR of one tint for all, the mean of the model's."""
    tint = np.mean(tints, axis=0)
    given_true = (pair(pictures, index, table) for index in range(len(pictures)))
    tinted = np.array([figures.psnr(figures.tinted(given, tint), true) for given, true in given_true])
    return figures.mean(tinted - base)


def _row(made: figures.Pixels, true: figures.Pixels, colours: bool) -> Row:
    """Figures of one picture; those of colour where the model brings it."""
    row = {"psnr": figures.psnr(made, true), "ssim": figures.ssim(made, true)}
    if colours:
        row["colourfulness"] = figures.colourfulness(made)
        row["chroma"] = figures.chroma(made) / max(figures.chroma(true), 1e-3)
    return row


def _columns(rows: list[Row]) -> dict[str, NDArray[np.float64]]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
