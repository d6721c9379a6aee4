"""Model cards: facts out of config.json, prose from people and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny import edit_config, fill_in, write_checkpoint

from zoo.catalog import CheckpointConfig, parse_config
from zoo.checkpoints.cards import SECTIONS, problems, read_card, render, write_card
from zoo.errors import DiskError, NotFoundError, UnsafeFileError

METRIC = {
    "name": "gain_over_gray",
    "value": 0.8125,
    "baseline": 0.0,
    "stderr": 0.125,
    "split": "val",
    "n": 23,
    "protocol": "Whole pictures, mean over them",
    "command": "zoo eval tiny.test",
}
TRAINING = {
    "recipe": "tiny.toml",
    "data": "pack:photos, split train",
    "steps": 12_000,
    "seconds": 5400.0,
    "hardware": "2 cores | no GPU",
    "version": "latent-zoo 0.1.0",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint with everything a card tells of."""
    return write_checkpoint(tmp_path / "tiny", metrics=[METRIC], training=TRAINING)


def config(folder: Path) -> CheckpointConfig:
    return parse_config((folder / "config.json").read_bytes(), "config.json")


def complete(folder: Path) -> Path:
    """Write the card as someone who has filled in every section."""
    card = write_card(folder, config(folder))
    fill_in(card)
    return card


def front_matter(text: str) -> dict[str, Any]:
    head = text.removeprefix("---\n").split("\n---\n", 1)[0]
    return yaml.safe_load(head)


def test_the_front_matter_is_yaml_that_the_hub_knows(folder: Path) -> None:
    assert front_matter(render(config(folder))) == {
        "license": "apache-2.0",
        "library_name": "latent-zoo",
        "pipeline_tag": "image-to-image",
        "tags": ["latent-zoo", "tiny", "colorize", "onnx", "safetensors"],
        "datasets": ["photos"],
        "model-index": [
            {
                "name": "tiny.test",
                "results": [
                    {
                        "task": {"type": "image-to-image"},
                        "dataset": {"name": "pack:photos", "type": "photos", "split": "val"},
                        "metrics": [
                            {
                                "type": "gain_over_gray",
                                "name": "gain over gray (baseline: 0)",
                                "value": 0.8125,
                            }
                        ],
                    }
                ],
            }
        ],
    }


def test_the_hub_s_own_reader_understands_card_and_figures(folder: Path) -> None:
    """The client's model of a card, which is what the Hub reads; no request is made."""
    from huggingface_hub import ModelCard

    data = ModelCard(render(config(folder))).data
    assert (data.license, data.library_name, data.datasets) == ("apache-2.0", "latent-zoo", ["photos"])
    (result,) = data.eval_results
    assert (result.dataset_name, result.dataset_split, result.metric_value) == ("pack:photos", "val", 0.8125)


def test_a_card_on_the_hub_keeps_the_command_to_run_it(folder: Path) -> None:
    text = render(config(folder), called="hub:ana/tiny")
    assert "zoo run hub:ana/tiny picture.jpg" in text.splitlines()
    assert render(config(folder), text) == text


def test_names_that_yaml_could_misread_stay_strings(tmp_path: Path) -> None:
    for family in ("no", "1e3", "2024", "null"):
        folder = write_checkpoint(tmp_path / family, id=f"{family}.on", family=family, task="yes")
        assert front_matter(render(config(folder)))["tags"][1:3] == [family, "yes"]


@pytest.mark.parametrize(
    ("license", "head"),
    [
        ("MIT", {"license": "mit"}),
        ("CC-BY-4.0", {"license": "cc-by-4.0"}),
        ("GPL-2.0+ (or later)", {"license": "other", "license_name": "GPL-2.0+ (or later)"}),
        ("LicenseRef-Mine", {"license": "other", "license_name": "LicenseRef-Mine"}),
    ],
)
def test_a_licence_the_hub_does_not_know_is_named(tmp_path: Path, license: str, head: dict[str, str]) -> None:  # noqa: A002 (config.json's word)
    folder = write_checkpoint(tmp_path / "tiny")
    edit_config(folder, lambda c: c.update(license=license))
    found = front_matter(render(config(folder)))
    assert {key: value for key, value in found.items() if key.startswith("license")} == head


def test_the_facts_are_those_of_the_config(folder: Path) -> None:
    text = render(config(folder))
    for line in (
        "# tiny.test",
        "zoo run tiny.test picture.jpg",
        "| Family | `tiny` |",
        "| Weights | 6 parameters, 0.0 MB as float16 |",
        "| Took | 90 minutes on 2 cores \\| no GPU |",
        "| gain over gray | 0.812 | 0.125 | 0.000 |",
        "23 pictures of the split `val`, by `zoo eval tiny.test`:",
    ):
        assert line in text.splitlines()


def test_sets_and_other_models_have_their_place(folder: Path) -> None:
    further = {
        "gain_over_gray_by_tiny_other": (0.5, 23),
        "gain_over_gray_in_high_seas": (1.25, 15),
        "gaining_in_high_seas": (0.75, 15),
        "gain_over_gray_in_towns": (0.25, 8),
    }
    metrics = [METRIC, *({**METRIC, "name": name, "value": value, "n": n} for name, (value, n) in further.items())]
    edit_config(folder, lambda c: c.update(metrics=metrics))
    text = render(config(folder))
    whole, sets = text.partition("<!-- zoo:figures -->\n")[2].split("Whole pictures, mean over them.\n")[:2]
    assert whole.splitlines()[:3] == [
        "| figure | value | standard error | baseline | tiny other |",
        "|---|---|---|---|---|",
        "| gain over gray | 0.812 | 0.125 | 0.000 | 0.500 |",
    ]
    assert sets.strip().splitlines()[:4] == [
        "| set | pictures | gain over gray | gaining |",
        "|---|---|---|---|",
        "| high seas | 15 | 1.25 ± 0.12 | 0.75 ± 0.12 |",
        "| towns | 8 | 0.25 ± 0.12 | - |",
    ]
    assert "Sets of pictures of the split `val`, by `zoo eval tiny.test`:" in text
    assert [each["type"] for each in front_matter(text)["model-index"][0]["results"][0]["metrics"]] == [METRIC["name"]]


def test_the_default_of_a_task_is_run_by_the_task(folder: Path) -> None:
    edit_config(folder, lambda c: c.update(default_for=["colorize"]))
    assert "zoo run colorize picture.jpg" in render(config(folder))


def test_rendering_again_changes_nothing(folder: Path) -> None:
    complete(folder)
    text = read_card(folder)
    assert render(config(folder), text) == text
    write_card(folder, config(folder))
    assert read_card(folder) == text


def test_prose_is_kept_wherever_it_stands_and_facts_are_renewed(folder: Path) -> None:
    card = complete(folder)
    marked = card.read_text().replace("<!-- zoo:facts -->", "Before the facts.\n\n<!-- zoo:facts -->")
    card.write_text(marked.replace("<!-- /zoo:facts -->", "<!-- /zoo:facts -->\n\nAfter the facts.") + "\nThe end.\n")
    edit_config(folder, lambda c: c.update(license="MIT"))
    write_card(folder, config(folder))
    text = card.read_text()
    assert text.count("Prose by a person.") == len(SECTIONS)
    for prose in ("Before the facts.", "After the facts.", "The end."):
        assert text.count(prose) == 1
    assert "| License | MIT |" in text
    assert "Apache" not in text


def test_a_block_that_was_cut_out_comes_back_at_the_end(folder: Path) -> None:
    card = complete(folder)
    text = card.read_text()
    start, end = text.index("<!-- zoo:figures -->"), text.index("<!-- /zoo:figures -->")
    card.write_text(text[:start] + text[end + len("<!-- /zoo:figures -->\n") :])
    write_card(folder, config(folder))
    assert card.read_text().rstrip().endswith("<!-- /zoo:figures -->")


def test_a_lost_closing_marker_costs_no_prose(folder: Path) -> None:
    card = complete(folder)
    card.write_text(card.read_text().replace("<!-- /zoo:use -->\n", "Precious words.\n"))
    for _ in range(2):
        write_card(folder, config(folder))
    assert card.read_text().count("Precious words.") == 1
    assert any("a marker without its other half" in line for line in problems(folder, config(folder)))


def test_a_card_without_a_last_newline_is_not_doubled(folder: Path) -> None:
    card = complete(folder)
    card.write_text(card.read_text().rstrip())
    write_card(folder, config(folder))
    assert card.read_text().count("<!-- zoo:figures -->") == 1


def test_a_summary_gets_one_full_stop(folder: Path) -> None:
    edit_config(folder, lambda c: c.update(summary="It does."))
    assert "\nIt does.\n" in render(config(folder))


def test_a_complete_card_has_no_problem(folder: Path) -> None:
    complete(folder)
    assert problems(folder, config(folder)) == []


def rewrite(old: str, new: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "README.md").write_text(read_card(folder).replace(old, new))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a fact changed by hand": (rewrite("0.812", "9.999"), "does not agree with config.json"),
    "another licence": (
        lambda folder: edit_config(folder, lambda c: c.update(license="MIT")),
        "does not agree with config.json or expects.json: `zoo card tiny.test --write`",
    ),
    "another summary": (
        lambda folder: edit_config(folder, lambda c: c.update(summary="It sings")),
        "does not say what config.json does: It sings",
    ),
    "an empty section": (rewrite("Prose by a person.", ""), "says nothing under '## Limits'"),
    "a section gone": (rewrite("## Limits", "## Else"), "says nothing under '## Limits': Say where it fails"),
    "a prompt left": (rewrite("Prose by a person.", SECTIONS["Data"]), "says nothing under '## Data'"),
    "a block twice": (
        lambda folder: (folder / "README.md").write_text(read_card(folder) + "\n<!-- zoo:use -->\n<!-- /zoo:use -->\n"),
        "or a block twice: use",
    ),
    "no figures": (
        lambda folder: edit_config(folder, lambda c: c.update(metrics=[])),
        "no figures: `zoo eval tiny.test",
    ),
    "no training": (
        lambda folder: edit_config(folder, lambda c: c.update(training=None)),
        "config.json does not say how the model was trained",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named(folder: Path, fault: str) -> None:
    spoil, word = FAULTS[fault]
    complete(folder)
    spoil(folder)
    found = problems(folder, config(folder))
    assert any(word in line for line in found), found
    assert all("\n" not in line for line in found)


def test_a_missing_card_is_not_found(folder: Path) -> None:
    assert read_card(folder) == ""
    with pytest.raises(NotFoundError, match=r"has no README\.md: `zoo card tiny\.test --write` makes one"):
        problems(folder, config(folder))


def test_a_card_that_can_not_be_read_is_said(folder: Path) -> None:
    (folder / "README.md").write_bytes(b"caf\xe9")
    with pytest.raises(UnsafeFileError, match="is not UTF-8 text"):
        write_card(folder, config(folder))
    (folder / "README.md").unlink()
    (folder / "README.md").mkdir()
    with pytest.raises(UnsafeFileError, match=r"the card .* is not a regular file"):
        problems(folder, config(folder))


def test_a_failed_write_leaves_the_old_card_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = complete(folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "the disk is full")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DiskError, match="the disk is full"):
        write_card(folder, config(folder))
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert card.name in before
