"""What classical methods make of the same degraded pictures: the baselines of denoising and colouring.

Each method's one setting is chosen on training pictures, by mean PSNR.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from zoo.arrays import Pixels
from zoo.catalog.spec import Metric
from zoo.evaluation.autoencoding import Components
from zoo.metrics.figures import mean, psnr
from zoo.metrics.levels import levels, unit
from zoo.metrics.setting import Setting
from zoo.pictures.color import gray_of

Pair = tuple[Pixels, Pixels]
Work = Callable[[Pixels], Pixels]

BLURS = (0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0)
STRENGTHS = (3.0, 6.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0)
COMPONENTS = 128
PROTOCOL = "{text}; its setting chosen by PSNR on training pictures; 8-bit levels, the same inputs as the model's"
PENALTIES = (0.1, 1.0, 10.0, 100.0)
# Up to so many pixels, a regression has one coefficient for each of them and each value of the answer.
REGRESSED = 64 * 64


@dataclass(frozen=True)
class Method:
    """A method that needs no network: its name in a figure, what it is in words, and how it is applied."""

    name: str
    text: str
    apply: Work


def measure(methods: Sequence[Method], pairs: Iterable[Pair], baseline: float, setting: Setting) -> list[Metric]:
    """The PSNR of each method on the pairs that the model is measured on, beside that of the input, `baseline`."""
    scores = [[psnr(method.apply(given), true) for method in methods] for given, true in pairs] if methods else []
    return [
        setting.metric(
            f"psnr_{method.name}",
            mean(np.array(column)),
            PROTOCOL.format(text=method.text),
            len(column),
            baseline,
        )
        for method, column in zip(methods, zip(*scores, strict=True), strict=True)
    ]


def denoisers(pairs: Sequence[Pair], train: Pixels | None) -> list[Method]:
    """Blur, non-local means and a projection on principal components.

    `pairs` are degraded training pictures with the true ones; `train` are true ones, all of one size, for the
    components, which are left out without it or if pictures have fewer values.
    """
    sigma = _best(BLURS, _blur, pairs)
    strength = _best(STRENGTHS, _means, pairs)
    found = [
        Method("blur", f"Gaussian blur of sigma {sigma:g}", _blur(sigma)),
        Method("nlm", f"OpenCV's non-local means of strength {strength:g}", _means(strength)),
    ]
    if train is not None and min(len(train), train[0].size) > COMPONENTS:
        components = Components(train, COMPONENTS)
        text = f"projection on {COMPONENTS} principal components of {len(train)} training pictures"
        name = f"pca_{COMPONENTS}"
        found.append(Method(name, text, lambda given: components.project(given[None], COMPONENTS)[0]))
    return found


def colourers(train: Pixels | None) -> list[Method]:
    """Ridge regression from all gray pixels to all colour values, for small pictures of one size."""
    if train is None or train[0, 0].size > REGRESSED:
        return []
    from sklearn.linear_model import Ridge

    grays = unit(gray_of(train)).reshape(len(train), -1)
    colours, shape = unit(train).reshape(len(train), -1), train.shape[1:]
    held = np.arange(len(train)) % 10 == 9
    errors = []
    for penalty in PENALTIES:
        made = Ridge(penalty).fit(grays[~held], colours[~held]).predict(grays[held])
        errors.append(np.square(made - colours[held]).mean())
    penalty = PENALTIES[int(np.argmin(errors))]
    fitted = Ridge(penalty).fit(grays, colours)
    text = (
        f"ridge regression from {grays.shape[1]} gray to {colours.shape[1]} colour values, penalty {penalty:g}, "
        f"of {len(train)} training pictures, a tenth of which chose the penalty"
    )
    return [Method("ridge", text, lambda given: levels(fitted.predict(unit(given).reshape(1, -1)).reshape(shape)))]


def _best(settings: Iterable[float], method: Callable[[float], Work], pairs: Sequence[Pair]) -> float:
    """The setting with the highest mean PSNR."""

    def score(setting: float) -> float:
        return float(np.mean([psnr(method(setting)(given), true) for given, true in pairs]))

    return max(settings, key=score)


def _blur(sigma: float) -> Work:
    def work(rows: Pixels) -> Pixels:
        return cast("Pixels", cv2.GaussianBlur(rows, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))

    return _on_rows(work)


def _means(strength: float) -> Work:
    """Non-local means (Buades et al. 2005) with OpenCV's windows of 7 and 21 pixels."""

    def work(rows: Pixels) -> Pixels:
        if rows.ndim == 2:
            return cast("Pixels", cv2.fastNlMeansDenoising(rows, None, strength))
        return cast("Pixels", cv2.fastNlMeansDenoisingColored(rows, None, strength, strength))

    return _on_rows(work)


def _on_rows(work: Callable[[Pixels], Pixels]) -> Work:
    """OpenCV's pictures are (H, W, 3) or (H, W)."""

    def apply(given: Pixels) -> Pixels:
        rows = np.ascontiguousarray(given[0] if len(given) == 1 else given.transpose(1, 2, 0))
        made = np.asarray(work(rows))
        return made[None] if made.ndim == 2 else made.transpose(2, 0, 1)

    return apply
