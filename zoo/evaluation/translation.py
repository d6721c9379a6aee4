"""A job measured on pictures: the model's answer beside the input, both against the true picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from PIL import Image

from zoo.arrays import Pixels
from zoo.catalog.spec import Metric
from zoo.evaluation import colors, pairs, restoration
from zoo.evaluation.records import baseline, columns, likeness_row, summary, with_gains
from zoo.evaluation.restoration import Method, Pair, colourers, denoisers
from zoo.inference.model import Model
from zoo.metrics.features import Features
from zoo.metrics.levels import Pictures
from zoo.metrics.setting import Setting
from zoo.recipes.degrade import degrade, fixed
from zoo.recipes.halves import Halves
from zoo.recipes.pictures import Degradation, EdgesTable, GrayscaleTable, NoiseTable, PairTable, ShrinkTable
from zoo.recipes.seeds import derive

PROTOCOL = (
    "8-bit sRGB {size}, one picture at a time; the input is {input}; the baseline is to show the input; "
    "psnr_gain is paired by picture, gaining is the share of pictures that gain"
)
FIGURES = ("psnr", "psnr_gain", "gaining", "ssim")
# How many training pictures a method's one setting is chosen on.
CHOSEN_ON = 200


@dataclass(frozen=True)
class Beside:
    """What stands beside a colorizer: other models, and the network that its results are compared in."""

    others: Sequence[Model] = ()
    net: Features | None = None


def measure(
    model: Model,
    test: Pictures,
    train: Pictures | None,
    table: Degradation | None,
    setting: Setting,
    beside: Beside = Beside(),
) -> list[Metric]:
    """Figures of a model's answers to every picture, beside those of the input and of other methods.

    The methods are fitted to `train`, and left out without it. `beside` is for colorizers.
    """
    if isinstance(table, EdgesTable | PairTable) and train is not None:
        return _on_pairs(model, test, train, table, setting)
    words = _size(test), _input(table)
    methods = _methods(train, table)
    if is_of_colour(table, test):
        photos = colors.Photos(partial(pair, test, table=table), _sets(test))
        return colors.measure(model, beside.others, beside.net, photos, methods, words, setting)
    made, base = [], []
    for index in range(len(test)):
        given, true = pair(test, index, table)
        answer = model.translate(given[None])[0]
        made.append(likeness_row(answer, true))
        base.append(likeness_row(_shown(given, answer), true))
        setting.report(index + 1, len(test))
    inputs = columns(base)
    found = with_gains(columns(made), inputs)
    protocol = PROTOCOL.format(size=words[0], input=words[1])
    metrics = [
        setting.metric(name, summary(name, found[name]), protocol, len(test), baseline(name, inputs))
        for name in FIGURES
    ]
    pairs_again = (pair(test, index, table) for index in range(len(test)))
    return metrics + restoration.measure(methods, pairs_again, baseline("psnr", inputs), setting)


def _shown(given: Pixels, answer: Pixels) -> Pixels:
    """The input as it is shown beside an answer: of its channels, and enlarged to its size by bicubic interpolation."""
    if given.shape[1:] != answer.shape[1:]:
        planes = (Image.fromarray(plane).resize(answer.shape[:0:-1], Image.Resampling.BICUBIC) for plane in given)
        given = np.stack([np.asarray(plane) for plane in planes])
    return np.broadcast_to(given, answer.shape)


def is_of_colour(table: Degradation | None, test: Pictures) -> bool:
    """Whether the job is to colour: gray goes in, and the true pictures have colours."""
    return isinstance(table, GrayscaleTable) and len(test) > 0 and len(test.picture(0)) == 3


def _sets(pictures: Pictures) -> list[str]:
    """The set that each picture is of, where the index has a column of that name; else ""."""
    return [pictures.labels(index).get("set", "") for index in range(len(pictures))]


def _size(pictures: Pictures) -> str:
    return f"at {pictures.size[1]} x {pictures.size[0]}" if pictures.size else "at full size"


def _on_pairs(model: Model, test: Pictures, train: Pictures, table: Degradation, setting: Setting) -> list[Metric]:
    """Figures of a model that is given drawings, or half of a pair."""
    words = _size(test), _input(table)
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
    if isinstance(table, ShrinkTable):
        true = true[:, : true.shape[1] // table.factor * table.factor, : true.shape[2] // table.factor * table.factor]
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
    if isinstance(table, ShrinkTable):
        return (
            f"the picture made {table.factor} times smaller, bicubic with antialiasing, and shown at its size, bicubic"
        )
    return "a line drawing of the picture (Canny's edges)" if table else "the picture itself"
