"""Models of other people's plugins in the page, which knows nothing of them: the packages under examples/."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from driving import await_picture, expect, settled
from hosting import hosting, serving
from PIL import Image

from zoo.catalog.families import configured
from zoo.catalog.registry import Registry, load_object
from zoo.recipes.recipe import ModelTable
from zoo.web.shelf import Shelf
from zoo.web.site import build_site

if TYPE_CHECKING:
    from playwright.sync_api import Page

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.browser
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PLUGINS = {
    "zoo_vq_vae": "zoo-plugin-example",
    "zoo_cvae": "zoo-cvae",
    "zoo_ddpm": "zoo-ddpm",
    "zoo_superres": "zoo-superres",
}
PARTS = {
    "vq-vae.tiny": ["Translate", "Generate", "Explore", "Blend", "Map", "About"],
    "conditional-vae.tiny": ["Generate", "Explore", "Blend", "Map", "About"],
    "ddpm.tiny": ["Generate", "Explore", "Blend", "Map", "About"],
    "upscaler.tiny": ["Upscale", "About"],
}
TASKS = {"upscaler": "upscale"}
SIDE = 16


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """The examples' plugins, and of each family a checkpoint of weights that nobody trained."""
    from zoo.training.export import export

    with pytest.MonkeyPatch.context() as patch:
        for example in PLUGINS.values():
            patch.syspath_prepend(EXAMPLES / example / "src")
        registry = Registry.discover([EntryPoint(name, f"{name}.plugin", "zoo") for name in PLUGINS])
        assert not registry.problems
        names = []
        for family in registry.families.values():
            torch.manual_seed(1)
            config = configured(family, {}, "tiny")
            table = ModelTable(id=f"{family.name}.tiny", family=family.name, task=TASKS.get(family.name))
            folder = tmp_path_factory.mktemp("others") / "checkpoint"
            export(load_object(family.network)(config), config, table, family.name, None, folder)
            names.append(f"dir:{folder}")
        yield Shelf(registry, names)


@pytest.fixture(scope="module", params=["ui", "web"])
def address(
    request: pytest.FixtureRequest,
    others: Shelf,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Where the page is, of a server or as files; parts follow after it."""
    if request.param == "ui":
        with serving(others) as url:
            yield f"{url}&/"
        return
    runtime: Mapping[str, bytes] = request.getfixturevalue("runtime")
    root = tmp_path_factory.mktemp("root")
    build_site(others, list(others.entries), root / "site", runtime)
    with hosting(root, "site/") as url:
        yield f"{url}#/"


def gone(page: Page, address: str, path: str) -> None:
    page.goto("about:blank")
    page.goto(address + path)
    settled(page)


def test_they_are_listed_with_the_parts_they_can(page: Page, address: str, others: Shelf) -> None:
    gone(page, address, "vq-vae.tiny/card")
    page.get_by_role("link", name="All models").click()
    expect(page.locator(".gallery h2")).to_have_text(list(others.entries))
    assert set(others.entries) == set(PARTS)
    for name, parts in PARTS.items():
        gone(page, address, f"{name}/card")
        expect(page.get_by_role("tab")).to_have_text(parts)
        expect(page.locator(".facts")).to_contain_text(others.find(name).config.family)


def test_they_draw_what_the_library_draws(page: Page, address: str, others: Shelf) -> None:
    gone(page, address, "vq-vae.tiny/generate")
    await_picture(page, ".grid canvas", others.open("vq-vae.tiny").generate(1), 2)


def test_their_conditions_and_steps_can_be_told(page: Page, address: str, others: Shelf) -> None:
    gone(page, address, "conditional-vae.tiny/generate")
    page.get_by_label("digit").select_option("7")
    model = others.open("conditional-vae.tiny")
    made = {digit: model.with_conditions(digit=digit).generate(1) for digit in "07"}
    assert np.abs(made["7"] - made["0"]).max() > 3 / 255
    await_picture(page, ".grid canvas", made["7"], 2)
    gone(page, address, "ddpm.tiny/generate")
    page.get_by_label("Steps").fill("2")
    page.get_by_label("Steps").press("Enter")
    await_picture(page, ".grid canvas", others.open("ddpm.tiny").generate(1, steps=2), 2)


def test_they_encode_and_decode(page: Page, address: str, others: Shelf) -> None:
    picture = Image.radial_gradient("L").resize((SIDE, SIDE)).convert("RGB")
    data = BytesIO()
    picture.save(data, "PNG")
    gone(page, address, "vq-vae.tiny/blend")
    chosen = {"name": "a.png", "mimeType": "image/png", "buffer": data.getvalue()}
    page.locator(".slot input[type=file]").first.set_input_files([chosen])
    await_picture(page, ".slot canvas", others.open("vq-vae.tiny").reconstruct(picture), 2)


def test_they_do_their_job_on_a_picture(page: Page, address: str, others: Shelf) -> None:
    gone(page, address, "upscaler.tiny/")
    page.get_by_role("button", name="Try a sample").click()
    after = page.locator(".compare .after")
    expect(after).to_have_attribute("src", re.compile("^blob:"))
    sizes = page.locator(".compare .before, .compare .after").evaluate_all(
        "async (all) => { for (const one of all) await one.decode(); return all.map((one) => one.naturalWidth); }"
    )
    assert sizes[1] == 2 * sizes[0] > 0
