"""Colorizers: figures of results that are known, by set, beside other models and in a feature network's eyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from zoo.errors import UsageError
from zoo.evaluation.colors import BY_SET, FIGURES, Photos, measure, places_of_sets
from zoo.metrics import figures
from zoo.metrics.setting import Setting
from zoo.pictures.color import gray_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zoo.catalog.spec import Metric

SIDE = 16
WARM, COLD = (6.0, 18.0), (-4.0, -16.0)


def photo(index: int) -> np.ndarray:
    """A photo of one of two tints, the warm ones more."""
    light = np.random.default_rng(index).integers(90, 170, (1, SIDE, SIDE), dtype=np.uint8)
    return figures.tinted(light, np.array(COLD if index % 4 == 3 else WARM))


def pair(index: int) -> tuple[np.ndarray, np.ndarray]:
    true = photo(index)
    return gray_of(true[None])[0], true


@dataclass
class Tint:
    """Stands for a model that lays one tint over everything."""

    ab: tuple[float, float]
    id: str = "one.tint"

    def translate(self, given: np.ndarray) -> np.ndarray:
        return figures.tinted(given[0], np.array(self.ab))[None]


@dataclass
class Knowing:
    """Stands for a model that knows the photos."""

    id: str = "all.known"
    asked: int = 0

    def translate(self, given: np.ndarray) -> np.ndarray:
        self.asked += 1
        return photo(self.asked - 1)[None]


class Gray:
    id = "still.gray"

    def translate(self, given: np.ndarray) -> np.ndarray:
        return given


class MeanColour:
    """Stands for a feature network: the mean of each channel."""

    text = "mean colours"

    def features(self, pictures: np.ndarray) -> np.ndarray:
        return np.asarray(pictures.mean(axis=(2, 3)), np.float32)


def measured(
    model: object, others: Sequence[object] = (), net: object = None, sets: Sequence[str] = 12 * ("",)
) -> dict[str, Metric]:
    setting = Setting("test", "zoo eval x")
    found = measure(model, others, net, Photos(pair, sets), (), ("at full size", "luma"), setting)  # type: ignore[arg-type]
    return {metric.name: metric for metric in found}


def test_one_tint_gains_nothing_over_itself() -> None:
    found = measured(Tint(WARM))
    assert found["psnr_gain"].value > 20
    assert found["gain_over_tint"].value == pytest.approx(0, abs=0.5)  # a and b as 8 bits hold them
    assert found["gaining"].value == 0.75
    assert found["chroma"].value == pytest.approx(1, abs=0.05)
    assert found["chroma"].baseline == found["colourfulness"].baseline == found["gain_over_tint"].baseline == 0


def test_knowing_the_photos_gains_over_the_mean_tint() -> None:
    found = measured(Knowing(), net=MeanColour())
    assert found["psnr"].value == figures.BEST_PSNR
    assert found["gaining"].value == 1
    gains = [found[name].value for name in ("psnr_gain", "one_tint_gain", "gain_over_tint")]
    assert gains[0] - gains[1] == pytest.approx(gains[2], abs=1e-3)
    assert found["colourfulness"].value == found["colourfulness_true"].value
    assert found["frechet"].value == 0 < (found["frechet"].baseline or 0)


def test_other_models_stand_beside() -> None:
    found = measured(Tint(WARM), [Knowing(), Tint(COLD, "cold.tint")], MeanColour())
    assert {f"{name}_by_all_known" for name in (*FIGURES, "frechet")} <= set(found)
    assert found["psnr_gain_by_all_known"].value > found["psnr_gain"].value > found["psnr_gain_by_cold_tint"].value
    assert found["frechet_by_all_known"].value == 0 < found["frechet"].value < found["frechet_by_cold_tint"].value
    assert found["frechet_by_cold_tint"].baseline == found["frechet"].baseline
    assert found["psnr_by_all_known"].protocol == found["psnr"].protocol


def test_without_a_network_there_is_no_distance() -> None:
    assert not [name for name in measured(Knowing()) if name.startswith("frechet")]


def test_halves_of_the_true_photos_are_compared() -> None:
    found = measured(Knowing(), net=MeanColour())["frechet_halves"]
    assert found.value > 0
    assert found.baseline is None
    assert "3 features of mean colours" in found.protocol
    assert "6 of each" in found.protocol


def test_each_set_has_its_own_figures() -> None:
    sets = ["cold seas" if index % 4 == 3 else "Warm" for index in range(20)]
    found = measured(Tint(WARM), sets=sets)
    assert [name for name in found if "_in_" in name] == [f"{f}_in_{s}" for s in ("warm", "cold_seas") for f in BY_SET]
    assert (found["gaining_in_warm"].value, found["gaining_in_cold_seas"].value) == (1, 0)
    assert (found["gaining_in_warm"].n, found["gaining_in_cold_seas"].n) == (15, 5)
    mean = (15 * found["psnr_gain_in_warm"].value + 5 * found["psnr_gain_in_cold_seas"].value) / 20
    assert found["psnr_gain"].value == pytest.approx(mean, abs=1e-3)
    assert found["gaining_in_warm"].protocol == found["chroma_in_cold_seas"].protocol != found["psnr"].protocol


def test_small_sets_stand_together() -> None:
    sets = [*5 * ["many"], "one", *2 * ["two"], *4 * ["four"]]
    found = measured(Knowing(), sets=sets)
    assert {name.partition("_in_")[2] for name in found} == {"", "many", "other"}
    assert found["gaining_in_other"].n == 7
    assert "other: those of fewer than 5 pictures (four, one, two)" in found["gaining_in_other"].protocol


@pytest.mark.parametrize("sets", [12 * [""], 12 * ["all"], [str(number) for number in range(12)]])
def test_no_sets_where_they_tell_nothing(sets: list[str]) -> None:
    assert places_of_sets(sets) == {}


def test_many_sets_keep_a_protocol_within_bounds() -> None:
    sets = [f"set {number:03} {'x' * 30}" for number in range(200) for _ in range(5 if number < 60 else 1)]
    places = places_of_sets(sets)
    assert len(places) == 25
    assert sum(which.sum() for which in places.values()) == len(sets)


def test_models_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match=r"still\.gray answers in 1 channels"):
        measured(Knowing(), [Gray()])
    with pytest.raises(UsageError, match=r"a model twice: one\.tint, one\.tint"):
        measured(Knowing(), [Tint(WARM), Tint(COLD)])
