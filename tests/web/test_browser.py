"""The page in Chromium, driven as a person does."""

from __future__ import annotations

import json
import re
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from answering import TOKEN, picture
from driving import await_picture, expect, files, go, settled, shown
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from zoo.web.shelf import Shelf

pytestmark = pytest.mark.browser


def test_the_list_leads_to_each_model(page: Page, served: str) -> None:
    page.goto(served)
    expect(page.get_by_role("heading", level=1)).to_have_text("tiny.testcolorize")
    assert TOKEN not in page.url
    page.get_by_role("link", name="All models").click()
    expect(page.locator(".gallery li")).to_have_count(3)
    page.get_by_label("Search models").fill("vae")
    expect(page.locator(".gallery li:visible")).to_have_count(1)
    page.locator(".gallery li:visible a").click()
    expect(page.get_by_role("tab")).to_have_text(["Generate", "Explore", "Blend", "Map", "About"])


def test_parts_are_those_of_the_interface(page: Page, served: str) -> None:
    go(page, served, "/tiny.free/")
    expect(page.get_by_role("tab")).to_have_text(["Blend", "About"])
    go(page, served, "/tiny.test/")
    expect(page.get_by_role("tab")).to_have_text(["Colorize", "About"])


def test_a_sample_is_translated_at_once(page: Page, served: str) -> None:
    go(page, served, "/tiny.test/")
    page.get_by_role("button", name="Try a sample").click()
    expect(page.locator(".compare .after")).to_have_attribute("src", re.compile("^blob:"))
    handle = page.get_by_label("How much of the result is shown")
    handle.focus()
    page.keyboard.press("Home")
    expect(handle).to_have_attribute("aria-valuetext", "100 % of the result")


def test_one_picture_is_saved_and_many_as_a_zip(page: Page, served: str, shelf: Shelf) -> None:
    go(page, served, "/tiny.test/")
    given = files((9, 7), (12, 5))
    page.locator("input[type=file]").first.set_input_files(given)
    expect(page.locator(".strip button")).to_have_count(2)
    with page.expect_download() as one:
        page.get_by_role("button", name="Download", exact=True).click()
    assert one.value.suggested_filename == "photo 0.colorize.png"
    made = np.asarray(Image.open(one.value.path()), float)
    expected = shelf.open("tiny.test").translate(Image.open(BytesIO(picture((9, 7)))))[0].transpose(1, 2, 0) * 255
    assert np.abs(made - expected).max() <= 1
    with page.expect_download() as many:
        page.get_by_role("button", name="Download all").click()
    with zipfile.ZipFile(many.value.path()) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["photo 0.colorize.png", "photo 1.colorize.png"]
        assert Image.open(archive.open("photo 1.colorize.png")).size == (12, 5)


def test_a_picture_is_pasted_and_dropped(page: Page, served: str) -> None:
    go(page, served, "/tiny.test/")
    page.wait_for_selector(".intake")
    script = """([kind, bytes]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], `${kind}.png`, { type: 'image/png' }));
        const event = kind === 'paste' ? new ClipboardEvent(kind, { clipboardData: transfer })
            : new DragEvent(kind, { dataTransfer: transfer, cancelable: true });
        dispatchEvent(event);
    }"""
    page.evaluate(script, ["paste", list(picture((8, 8)))])
    expect(page.locator(".strip button")).to_have_count(1)
    page.evaluate(script, ["drop", list(picture((8, 8)))])
    expect(page.locator(".strip button")).to_have_count(2)
    assert page.locator(".strip button").evaluate_all("all => all.map(one => one.title)") == ["paste.png", "drop.png"]


def test_the_camera_takes_a_picture(page: Page, served: str) -> None:
    page.context.grant_permissions(["camera"])
    go(page, served, "/tiny.test/")
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("button", name="Take the picture").click()
    expect(page.locator(".compare .after")).to_have_attribute("src", re.compile("^blob:"))
    expect(page.locator("video")).to_have_count(0)


def test_a_broken_picture_is_said_and_harms_nothing(page: Page, served: str) -> None:
    go(page, served, "/tiny.test/")
    page.locator("input[type=file]").first.set_input_files(
        [{"name": "broken.png", "mimeType": "image/png", "buffer": picture((50, 50))[:60]}]
    )
    expect(page.get_by_role("alert").filter(has_text="cut off")).to_be_visible()
    page.locator("input[type=file]").first.set_input_files(files((9, 7)))
    expect(page.locator(".compare .after")).to_have_attribute("src", re.compile("^blob:"))


def test_seeds_are_those_of_the_library(page: Page, served: str, shelf: Shelf) -> None:
    go(page, served, "/tiny.vae/generate")
    page.get_by_label("Seed").fill("7")
    expect(page.locator("#said")).to_have_text("24 pictures of seed 7")
    made = shelf.open("tiny.vae").generate(24, seed=7)
    expected = np.rint(made * 255).astype(np.uint8)[3, 0]
    assert np.array_equal(shown(page, ".grid button:nth-child(4) canvas")[:, :, 0], expected)


def test_sliders_move_the_picture_to_the_right_place(page: Page, served: str, shelf: Shelf) -> None:
    go(page, served, "/tiny.vae/generate")
    page.get_by_role("button", name="Draw 3", exact=True).click()
    page.get_by_role("button", name="Explore around it").click()
    first = page.get_by_role("slider", name="Direction 1")
    for value in range(20):  # many events, of which the last must win
        first.evaluate("(one, x) => { one.value = x; one.dispatchEvent(new Event('input')); }", value / 10)
    model = shelf.open("tiny.vae")
    latent = model.draw(3)[2] + np.array([1.9, 0], np.float32)
    await_picture(page, ".frame canvas", model.decode(latent[None]))
    expect(page.locator(".commands")).to_contain_text("space.axes[0]")


def test_the_python_below_makes_what_is_shown(
    page: Page, served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(page, served, "/tiny.vae/explore")
    page.get_by_role("slider", name="Direction 2").evaluate(
        "(one) => { one.value = -1; one.dispatchEvent(new Event('input')); }"
    )
    page.wait_for_function("() => document.querySelector('.commands').textContent.includes('space.axes[1]')")
    script = page.locator(".commands code").last.text_content()
    assert script
    monkeypatch.chdir(tmp_path)
    exec(compile(script, "page", "exec"), {})
    made = np.asarray(Image.open("made.png"))
    assert np.abs(shown(page, ".frame canvas")[:, :, 0].astype(int) - made).max() <= 1


def test_two_seeds_are_blended_added_and_varied(page: Page, served: str, shelf: Shelf) -> None:
    go(page, served, "/tiny.vae/blend")
    model = shelf.open("tiny.vae")
    a, b = model.draw(1, 0)[0], model.draw(1, 1)[0]
    await_picture(page, ".frame canvas", model.interpolate(a, b, 3)[1:])
    page.get_by_text("Line", exact=True).click()
    await_picture(page, ".frame canvas", model.interpolate(a, b, 3, "linear")[1:])
    page.get_by_text("Add", exact=True).click()
    await_picture(page, ".frame canvas", model.add(a, b))
    page.get_by_text("Vary the first").click()
    await_picture(page, ".grid canvas", model.vary(a, 0.3, 12, 7))


def test_the_map_follows_the_arrow_keys(page: Page, served: str) -> None:
    go(page, served, "/tiny.vae/map")
    chart = page.get_by_role("application")
    expect(page.locator(".controls")).to_contain_text("0.00, 0.00 · points are draws from the prior")
    chart.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".controls")).not_to_contain_text("0.00, 0.00")


def test_a_card_that_holds_markup_is_only_text(page: Page, served: str, shelf: Shelf) -> None:
    card = shelf.find("tiny.vae").folder / "README.md"
    card.write_text(
        "# <img src=x onerror=alert(1)>\n\n<script>window.hurt = 1</script> [here](javascript:alert(2)) "
        "![it](https://evil.example/x.png) [there](https://example.org)\n"
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    go(page, served, "/tiny.vae/card")
    prose = page.locator(".prose")
    expect(prose).to_contain_text("<script>window.hurt = 1</script>")
    assert prose.locator("img, script").count() == 0
    assert prose.locator("a").evaluate_all("all => all.map(one => one.href)") == ["https://example.org/"]
    assert page.evaluate("window.hurt") is None
    assert all(url.startswith((served.partition("#")[0], "blob:")) for url in asked)
    card.unlink()


def test_without_the_token_the_page_says_what_to_do(page: Page, served: str) -> None:
    page.goto(served.partition("#")[0])
    expect(page.get_by_role("heading")).to_have_text("This address is not complete")


def test_a_page_of_another_site_can_do_nothing(chromium: Browser, served: str) -> None:
    base = served.partition("#")[0]
    page = chromium.new_page()
    page.route("http://evil.example/**", lambda route: route.fulfill(body="<p>hostile", content_type="text/html"))
    page.goto("http://evil.example/")
    script = """async ([base, token]) => {
        const image = () => new Promise((done, fail) => {
            const one = Object.assign(new Image(), { onload: done, onerror: fail });
            one.src = base + 'page/samples/photo.jpg';
            document.body.append(one);
        });
        const tries = [
            () => fetch(base + 'models'),
            () => fetch(base + 'models', { headers: { authorization: `Bearer ${token}` } }),
            () => fetch(base + 'run/tiny.test', { method: 'POST', body: 'x', mode: 'no-cors' }).then((a) => a.text()),
            () => fetch(base).then((a) => a.text()),
            () => import(base + 'page/dom.js'),
            image,
        ];
        return Promise.all(tries.map((one) => one().then((value) => value || 'nothing', () => 'refused').then(String)));
    }"""
    ends = page.evaluate(script, [base, TOKEN])
    page.close()
    assert set(ends) <= {"refused", "nothing"}
    assert ends.count("refused") >= len(ends) - 1


def test_the_address_pasted_once_more_lets_in_again(page: Page, served: str) -> None:
    page.goto(served)
    expect(page.get_by_role("tab")).to_have_count(2)
    page.evaluate("() => sessionStorage.clear()")
    page.goto(f"{served}&/tiny.vae/")
    expect(page.get_by_role("tab")).to_have_count(5)
    page.reload()
    expect(page.get_by_role("tab")).to_have_count(5)


def test_a_server_that_dies_is_said_and_resumed(page: Page, served: str) -> None:
    go(page, served, "/tiny.vae/generate")
    expect(page.locator("#said")).to_have_text("24 pictures of seed 0")
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    page.get_by_label("Seed").fill("5")
    expect(page.get_by_text("The server has stopped.")).to_be_visible()
    page.unroute("**/*")
    expect(page.get_by_text("The server has stopped.")).to_be_hidden()
    expect(page.locator("#said")).to_have_text("24 pictures of seed 5")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(page: Page, served: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    go(page, served, "/tiny.vae/generate")
    settled(page)
    script = """() => { const ctx = document.createElement('canvas').getContext('2d');
        const rgb = (name) => { ctx.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name);
            ctx.fillRect(0, 0, 1, 1); return [...ctx.getImageData(0, 0, 1, 1).data.slice(0, 3)]; };
        return [['--ink', '--paper'], ['--muted', '--paper'], ['--muted', '--sunk'], ['--accent', '--paper'],
            ['--accent', '--soft'], ['--accent-ink', '--accent']].map((pair) => pair.map(rgb)); }"""

    def light(color: list[int]) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in color)]
        return float(np.dot(parts, [0.2126, 0.7152, 0.0722]))

    for pair in page.evaluate(script):
        dark, bright = sorted(map(light, pair))
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, json.dumps(pair)


@pytest.mark.parametrize(
    "path", ["/", "/tiny.test/", "/tiny.vae/generate", "/tiny.vae/blend", "/tiny.vae/map", "/tiny.vae/card"]
)
def test_nothing_is_wider_than_a_phone(page: Page, served: str, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    go(page, served, path)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_every_control_has_a_name(page: Page, served: str) -> None:
    for path in ("/tiny.test/", "/tiny.vae/generate", "/tiny.vae/explore", "/tiny.vae/blend"):
        go(page, served, path)
        settled(page)
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll('button, input:not([hidden]), a, canvas[role]')]
            .filter((one) => !one.getAttribute('aria-label') && !one.textContent.trim() && !one.closest('label'))
            .map((one) => one.outerHTML)"""
        )
        assert unnamed == []
