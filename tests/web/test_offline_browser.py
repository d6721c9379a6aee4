"""The static site without a network, and after it was built anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from answering import picture
from driving import await_picture, expect, files
from hosting import hosting
from PIL import Image
from vaes import write_vae

from zoo.catalog.registry import Registry
from zoo.web.shelf import Shelf
from zoo.web.site import build_site

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
KEPT = """async () => {
    const names = await caches.keys();
    const keys = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return keys.flat().map((request) => request.url.split('/').pop());
}"""


def visited(page: Page, address: str, path: str) -> None:
    """Visit a model's page until all that it needs is kept."""
    page.goto(f"{address}#/{path}")
    expect(page.locator("#foot")).to_contain_text("works without a network now")


def test_what_was_visited_works_without_a_network(
    page: Page, shelf: Shelf, runtime: Mapping[str, bytes], tmp_path: Path
) -> None:
    build_site(shelf, ["tiny.vae", "tiny.test"], tmp_path / "some" / "site", runtime)
    with hosting(tmp_path, "some/site/") as address:
        visited(page, address, "tiny.vae/card")
    assert page.evaluate("() => fetch('/').then(() => 'answered', () => 'cut off')") == "cut off"
    page.goto("about:blank")
    page.goto(f"{address}#/tiny.vae/generate")
    expect(page.locator("#said")).to_have_text("24 pictures of seed 0")
    page.get_by_role("tab", name="Map").click()
    expect(page.locator(".controls")).to_contain_text("0.00, 0.00")
    page.get_by_role("tab", name="Blend").click()
    page.locator(".slot input[type=file]").first.set_input_files(files((4, 4)))
    model = shelf.open("tiny.vae")
    await_picture(page, ".slot canvas", model.reconstruct(Image.open(BytesIO(picture((4, 4))))), 2)
    page.get_by_role("link", name="All models").click()
    expect(page.locator(".gallery li")).to_have_count(2)
    page.get_by_role("link", name="tiny.test").click()
    expect(page.get_by_text("there is no network, and it was not needed before")).to_be_visible()


def test_a_new_build_is_never_answered_with_the_old(page: Page, runtime: Mapping[str, bytes], tmp_path: Path) -> None:
    def build(summary: str) -> dict[str, str]:
        folder = write_vae(tmp_path / summary, id="tiny.vae", summary=summary)
        site = tmp_path / "site"
        build_site(Shelf(Registry.build([]), [f"dir:{folder}"]), ["tiny.vae"], site, runtime, force=True)
        listed: dict[str, str] = json.loads((site / "files.json").read_text(encoding="utf-8"))
        return listed

    old = build("An old one")
    with hosting(tmp_path, "site/") as address:
        visited(page, address, "tiny.vae/card")
        expect(page.locator(".lead")).to_have_text("An old one.")
        new = build("A new one")
        page.reload()
        expect(page.locator(".lead")).to_have_text("A new one.")
        visited(page, address, "tiny.vae/card")
    page.reload()
    expect(page.locator(".lead")).to_have_text("A new one.")
    gone = set(old.values()) - set(new.values())
    assert gone
    assert not gone & set(page.evaluate(KEPT))


def test_only_what_was_promised_is_kept(page: Page, shelf: Shelf, runtime: Mapping[str, bytes], tmp_path: Path) -> None:
    site = tmp_path / "site"
    build_site(shelf, ["tiny.vae"], site, runtime)
    weights = site / "models" / "tiny.vae" / "model.safetensors"
    promised = hashlib.sha256(weights.read_bytes()).hexdigest()
    weights.write_bytes(weights.read_bytes()[:-1] + b"\xff")
    config = hashlib.sha256((weights.parent / "config.json").read_bytes()).hexdigest()
    with hosting(tmp_path, "site/") as address:
        page.goto(f"{address}#/tiny.vae/blend")
        expect(page.get_by_role("alert").filter(has_text="is not the file that was promised")).to_be_visible()
        page.wait_for_function(f"async (wanted) => (await ({KEPT})()).includes(wanted)", arg=config)
        assert promised not in page.evaluate(KEPT)
        expect(page.locator("#foot")).to_be_empty()


def test_another_site_at_the_address_is_left_alone(
    page: Page, shelf: Shelf, runtime: Mapping[str, bytes], tmp_path: Path
) -> None:
    site = tmp_path / "site"
    build_site(shelf, ["tiny.vae"], site, runtime)
    with hosting(tmp_path, "site/") as address:
        visited(page, address, "tiny.vae/card")
        for file in sorted(site.rglob("*"), reverse=True):
            if file.is_file():
                file.unlink()
        (site / "index.html").write_text("<!doctype html><title>mine</title><link rel=icon href=data:,>")
        page.goto("about:blank")
        page.goto(address)
        expect(page).to_have_title("mine")
        assert page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0
        assert page.evaluate(KEPT) == []
