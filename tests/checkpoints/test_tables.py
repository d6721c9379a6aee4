"""Tables of figures: other models in columns, sets in rows."""

from __future__ import annotations

from zoo.catalog.spec import Metric
from zoo.checkpoints.tables import figure_of, figure_table, is_overall, name_by, name_in, set_table


def metric(name: str, value: float, n: int = 8, stderr: float | None = None, command: str = "zoo eval x") -> Metric:
    return Metric(
        name=name, value=value, stderr=stderr, baseline=None, split="test", n=n, protocol="p", command=command
    )


def test_names_say_of_what_a_figure_is() -> None:
    assert name_in("psnr_gain", "Camp Vid-2") == "psnr_gain_in_camp_vid_2"
    assert name_by("chroma", "colorizer-ae.photos") == "chroma_by_colorizer_ae_photos"
    assert len(name_by("gain_over_tint", 129 * "x")) <= 64
    assert figure_of(metric("psnr_gain_in_seas", 1)) == figure_of(metric("psnr_gain_by_x_y", 1)) == "psnr_gain"
    assert [is_overall(metric(name, 1)) for name in ("psnr", "psnr_in_seas", "psnr_by_x_y")] == [True, False, False]


def test_other_models_have_columns() -> None:
    command = "zoo eval x --against one.other --against dir:runs/y"
    names = ("psnr", "psnr_by_one_other", "psnr_by_two_other", "frechet", "frechet_by_two_other")
    metrics = [metric(name, number, command=command) for number, name in enumerate(names)]
    assert figure_table(metrics, 1) == [
        ("figure", "value", "standard error", "baseline", "one.other", "two_other"),
        ("psnr", "0.0", "-", "-", "1.0", "2.0"),
        ("frechet", "3.0", "-", "-", "-", "4.0"),
    ]


def test_a_name_with_by_and_no_figure_beside_stays_a_row() -> None:
    head, *rows = figure_table([metric("error_by_pixel", 1)], 0)
    assert len(head) == 4
    assert rows == [("error_by_pixel", "1", "-", "-")]


def test_sets_have_rows() -> None:
    metrics = [
        metric("psnr_gain_in_seas", 1, 1234, 0.25),
        metric("chroma_in_seas", 2, 1234),
        metric("psnr_gain_in_new_towns", 3, 5, 0.5),
    ]
    assert set_table(metrics) == [
        ("set", "pictures", "psnr_gain", "chroma"),
        ("seas", "1,234", "1.00 ± 0.25", "2.00"),
        ("new_towns", "5", "3.00 ± 0.50", "-"),
    ]
