"""What a person does before the page has what it needs for it: it waits, is done later, or can not be clicked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from answering import picture
from driving import await_picture, expect, files, go, settled
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from zoo.web.shelf import Shelf

pytestmark = pytest.mark.browser


@contextmanager
def held(page: Page, pattern: str) -> Iterator[Callable[[], None]]:
    """Hold the first request of a pattern that is made in the block; calling what is given lets it go on."""
    routes: list[Route] = []
    page.route(pattern, lambda route: route.continue_() if routes else routes.append(route))
    yield lambda: routes[0].continue_()  # noqa: PLW0108 - there is none yet
    while not routes:
        page.evaluate("0")  # until the browser has said that it asks


def test_a_late_list_does_not_cover_a_model(page: Page, served: str) -> None:
    go(page, served, "/tiny.vae/generate")
    settled(page)
    with held(page, "**/models") as go_on:
        page.get_by_role("link", name="All models").click()
    page.evaluate("() => (location.hash = '#/tiny.free/')")
    expect(page.get_by_role("heading", level=1)).to_contain_text("tiny.free")
    with page.expect_response("**/models"):
        go_on()
    settled(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("tiny.free")
    assert page.locator(".gallery").count() == 0


def test_a_part_left_before_it_was_ready_hears_nothing(page: Page, served: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with held(page, "**/space") as go_on:
        go(page, served, "/tiny.vae/explore")
    page.get_by_role("tab", name="Generate").click()
    expect(page.locator("#said")).to_have_text("24 pictures of seed 0")
    with page.expect_response("**/space"):
        go_on()
    # Two turns of the page: the part that was left has been made by then, and the picture given to who listens.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.evaluate(
        """async (bytes) => {
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([new Uint8Array(bytes)], 'a.png', { type: 'image/png' }));
            dispatchEvent(new ClipboardEvent('paste', { clipboardData }));
            await new Promise((done) => setTimeout(done));
        }""",
        list(picture()),
    )
    page.get_by_label("Seed").fill("1")
    expect(page.locator("#said")).to_have_text("24 pictures of seed 1")
    assert not [url for url in asked if "/encode/" in url]


def test_a_part_that_failed_is_opened_again(page: Page, served: str) -> None:
    page.route("**/space", lambda route: route.abort("connectionrefused"))
    page.route("**/health", lambda route: route.abort("connectionrefused"))
    go(page, served, "/tiny.vae/explore")
    expect(page.get_by_text("The server has stopped.")).to_be_visible()
    expect(page.locator(".panel > .failed")).to_have_text("The server does not answer.")
    page.unroute("**/space")
    page.unroute("**/health")
    expect(page.get_by_role("slider", name="Direction 1")).to_be_visible()
    expect(page.locator(".panel > .failed")).to_have_count(0)


def test_a_model_that_failed_is_opened_again(page: Page, served: str) -> None:
    page.route("**/models/tiny.vae", lambda route: route.abort("connectionrefused"))
    page.route("**/health", lambda route: route.abort("connectionrefused"))
    go(page, served, "/tiny.vae/blend")
    expect(page.get_by_role("heading", name="That did not work")).to_be_visible()
    page.unroute("**/models/tiny.vae")
    page.unroute("**/health")
    expect(page.get_by_role("slider", name="Between")).to_be_enabled()


def test_nothing_is_blended_before_there_are_two(page: Page, served: str, shelf: Shelf) -> None:
    go(page, served, "/tiny.free/blend")
    between, play = page.get_by_role("slider", name="Between"), page.get_by_role("button", name="Play")
    save = page.get_by_role("button", name="Download")
    chosen = page.locator(".slot input[type=file]")
    for place, size in enumerate([(6, 4), (6, 4)]):
        expect(between).to_be_disabled()
        expect(play).to_be_disabled()
        expect(save).to_be_disabled()
        chosen.nth(place).set_input_files(files(size))
    expect(between).to_be_enabled()
    expect(play).to_be_enabled()
    expect(save).to_be_enabled()
    model = shelf.open("tiny.free")
    latent = model.encode(Image.radial_gradient("L").resize((6, 4)))[0]
    await_picture(page, ".frame canvas", model.interpolate(latent, latent, 3)[1:])


def test_seeds_that_come_late_do_not_win(page: Page, served: str, shelf: Shelf) -> None:
    go(page, served, "/tiny.vae/blend")
    settled(page)
    first = page.get_by_label("From: seed")
    with held(page, "**/draw/tiny.vae") as go_on:
        first.fill("5")
        first.press("Enter")
    first.fill("6")
    first.press("Enter")
    go_on()
    model = shelf.open("tiny.vae")
    await_picture(page, ".slot canvas", model.decode(model.draw(1, 6)))
    expect(first).to_have_value("6")


def test_an_older_seed_is_given_up_for_a_newer(page: Page, served: str) -> None:
    go(page, served, "/tiny.vae/generate")
    expect(page.locator("#said")).to_have_text("24 pictures of seed 0")
    seed = page.get_by_label("Seed")
    with held(page, "**/draw/tiny.vae"):
        seed.fill("1")
    seed.fill("2")  # without an answer for 1, which is never given
    expect(page.locator("#said")).to_have_text("24 pictures of seed 2")


def test_a_map_takes_keys_once_it_is_drawn(page: Page, served: str) -> None:
    with held(page, "**/points") as go_on:
        go(page, served, "/tiny.vae/map")
    chart = page.get_by_role("application")
    expect(chart).to_have_attribute("aria-busy", "true")
    expect(chart).to_have_attribute("tabindex", "-1")
    go_on()
    expect(chart).to_have_attribute("aria-busy", "false")
    chart.press("ArrowUp")
    expect(page.locator(".controls")).not_to_contain_text("0.00, 0.00")
