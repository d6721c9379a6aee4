"""Colorizers: how near their results are to the true photos, how colourful, and how like photos as a whole.

Every figure is of all photos; those that say most are also of each set that the pack's index names in a column `set`.
Beside them stand gray, one tint laid over all photos, and other models. The Frechet distance is between the results
and the true photos in the features of a network: it sees results whose colours are dull or improbable, which PSNR does
not, and it does not see whether a colour is the one that was there, which PSNR does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import shorten

import numpy as np

from zoo.arrays import Doubles, Floats, Mask, Pixels
from zoo.catalog.spec import Metric
from zoo.checkpoints.tables import name_by, name_in, slug
from zoo.errors import UsageError
from zoo.evaluation import restoration
from zoo.evaluation.records import Columns, Row, baseline, columns, likeness_row, summary, with_gains
from zoo.evaluation.restoration import Method, Pair
from zoo.inference.model import Model
from zoo.metrics import figures
from zoo.metrics.features import Features
from zoo.metrics.frechet import distance
from zoo.metrics.setting import Setting

FIGURES = (
    "psnr",
    "psnr_gain",
    "one_tint_gain",
    "gain_over_tint",
    "gaining",
    "ssim",
    "colourfulness",
    "chroma",
)
BY_SET = ("psnr_gain", "gain_over_tint", "gaining", "chroma", "colourfulness")
PROTOCOL = (
    "8-bit sRGB {size}, one picture at a time; the input is {input}; the baseline is to show the input; psnr_gain is "
    "paired by picture, gaining is the share of pictures that gain; one_tint_gain is that of laying the model's mean a "
    "and b over every picture, gain_over_tint the model's gain less that; colourfulness is Hasler and Süsstrunk's; "
    "chroma is the median over pictures of mean Lab chroma over the true picture's"
)
SETS = "The figures above for each set that the pictures' index names, with the same tint"
SMALL = "; other: those of fewer than {least} pictures ({names})"
FRECHET = (
    "Frechet distance in the {features} features of {net} between the results and the same {n} true photos; the "
    "baseline is gray's; frechet_halves: between the true photos at even and at odd places, {half} of each: so far "
    "apart are two sets of different photos that small; the distance depends on the photos and their number"
)

# A set of fewer pictures stands with others of its like, and so do all but the largest sets.
LEAST, MOST = 5, 24
OTHER = "other"
# How many characters the names of small sets take in a protocol.
NAMED = 300


@dataclass(frozen=True)
class Photos:
    """Held-out photos: (gray, true) of each place, uint8 (1, H, W) and (3, H, W), and the set it is of, or ""."""

    pair: Callable[[int], Pair]
    sets: Sequence[str]

    def __len__(self) -> int:
        return len(self.sets)

    def __iter__(self) -> Iterator[Pair]:
        return map(self.pair, range(len(self)))


@dataclass(frozen=True)
class Measured:
    """Figures of every photo: of gray, of each model's results, and the colourfulness of the true photos, (N,).

    `features` (N, M + 2, F) are those of gray, of the results of M models and of the true photos, in this order.
    """

    gray: Columns
    models: Sequence[Columns]
    colourfulness: Doubles
    features: Floats | None


def measure(
    model: Model,
    others: Sequence[Model],
    net: Features | None,
    photos: Photos,
    methods: Sequence[Method],
    words: tuple[str, str],
    setting: Setting,
) -> list[Metric]:
    """Figures of a colorizer, overall and by set, beside gray, other models and `methods`.

    Without `net` there is no Frechet distance. `words` say the photos' size and what the input is. Raises UsageError
    for a model that does not answer in colour, and where two of the `others` have the same id.
    """
    ids = [other.id for other in others]
    if len({*map(slug, ids)}) < len(ids):
        raise UsageError(f"--against names a model twice: {', '.join(ids)}")
    found = _colored([model, *others], net, photos, setting)
    gray = found.gray
    tinted = _tinted(photos, [np.array([own["a"].mean(), own["b"].mean()]) for own in found.models])
    tables = [_table(own, gray, psnr) for own, psnr in zip(found.models, tinted, strict=True)]
    protocol = PROTOCOL.format(size=words[0], input=words[1])

    def stated(figure: str, name: str, table: Columns) -> Metric:
        return setting.metric(name, summary(figure, table[figure]), protocol, len(photos), baseline(figure, gray))

    own, *theirs = tables
    metrics = [stated(figure, figure, own) for figure in FIGURES]
    metrics.append(setting.metric("colourfulness_true", figures.mean(found.colourfulness), protocol, len(photos)))
    metrics += [
        stated(figure, name_by(figure, other), table)
        for other, table in zip(ids, theirs, strict=True)
        for figure in FIGURES
    ]
    if net and found.features is not None:
        metrics += _distances(found.features, net, ids, setting)
    metrics += restoration.measure(methods, photos, baseline("psnr", gray), setting)
    return metrics + _by_set(own, gray, photos.sets, setting)


def _colored(models: Sequence[Model], net: Features | None, photos: Photos, setting: Setting) -> Measured:
    """Every photo, gray and as each model colours it."""
    rows: list[list[Row]] = []
    seen: list[Floats] = []
    colourfulness = np.zeros(len(photos))
    for index, (given, true) in enumerate(photos):
        results = [np.broadcast_to(given, true.shape)]
        for model in models:
            results.append(model.translate(given[None])[0])
            if results[-1].shape != true.shape:
                raise UsageError(f"{model.id} answers in {len(results[-1])} channels: it colours no gray pictures")
        chroma = figures.colour(true)[2]
        rows.append([_row(made, true, chroma) for made in results])
        colourfulness[index] = figures.colourfulness(true)
        if net:
            seen.append(net.features(np.stack([*results, true])))
        setting.report(index + 1, len(photos))
    gray, *own = (columns(each) for each in zip(*rows, strict=True))
    return Measured(gray, own, colourfulness, np.stack(seen) if seen else None)


def _row(made: Pixels, true: Pixels, chroma: float) -> Row:
    """Figures of one result, uint8 (3, H, W), beside the true photo and its mean chroma; `a` and `b` are means."""
    a, b, own = figures.colour(made)
    of_colour = {"colourfulness": figures.colourfulness(made), "chroma": own / max(chroma, 1e-3)}
    return {**likeness_row(made, true), **of_colour, "a": a, "b": b}


def _tinted(photos: Photos, tints: Sequence[Doubles]) -> Doubles:
    """PSNR of each of T tints laid over all photos, (T, N)."""
    rows = [[figures.psnr(figures.tinted(given, tint), true) for tint in tints] for given, true in photos]
    return np.array(rows, np.float64).T


def _table(own: Columns, gray: Columns, tinted: Doubles) -> Columns:
    """All figures of each photo, with those beside gray and beside one tint."""
    tint_gain = tinted - gray["psnr"]
    table = with_gains(own, gray)
    return {**table, "one_tint_gain": tint_gain, "gain_over_tint": table["psnr_gain"] - tint_gain}


def _distances(seen: Floats, net: Features, others: Sequence[str], setting: Setting) -> list[Metric]:
    """Frechet distances of each model's results and of gray to the true photos, and of two halves of these."""
    gray, *models, true = seen.swapaxes(0, 1)
    n, features = true.shape
    protocol = FRECHET.format(features=features, net=net.text, n=n, half=n // 2)
    base = distance(gray, true)
    names = ["frechet", *(name_by("frechet", other) for other in others)]
    metrics = [
        setting.metric(name, distance(own, true), protocol, n, base) for name, own in zip(names, models, strict=True)
    ]
    halves = distance(true[: n // 2 * 2 : 2], true[1::2])
    return [*metrics, setting.metric("frechet_halves", halves, protocol, n)]


def _by_set(own: Columns, gray: Columns, sets: Sequence[str], setting: Setting) -> list[Metric]:
    """The figures that say most, of each set."""
    places = places_of_sets(sets)
    small = sorted({name for name in map(slug, sets) if name not in places and name})
    protocol = SETS
    if OTHER in places:
        names = shorten(", ".join(small) or "no set", NAMED, placeholder=" ...")
        protocol += SMALL.format(least=LEAST, names=names)
    metrics = []
    for part, which in places.items():
        ours, grays = ({name: values[which] for name, values in each.items()} for each in (own, gray))
        metrics += [
            setting.metric(
                name_in(figure, part),
                summary(figure, ours[figure]),
                protocol,
                int(which.sum()),
                baseline(figure, grays),
            )
            for figure in BY_SET
        ]
    return metrics


def places_of_sets(names: Sequence[str]) -> dict[str, Mask]:
    """Which of N pictures, (N,), are of each set, the largest first, and small sets together as `other`.

    Empty where the pictures are not of several sets.
    """
    of = np.array([slug(name) for name in names])
    counts = Counter(of.tolist()).most_common()
    kept = [name for name, count in counts[:MOST] if name and count >= LEAST]
    if len(counts) < 2 or not kept:
        return {}
    places: dict[str, Mask] = {name: of == name for name in kept}
    rest = ~np.any(list(places.values()), axis=0)
    if rest.any():
        places[OTHER] = rest | places.get(OTHER, np.False_)
    return places
