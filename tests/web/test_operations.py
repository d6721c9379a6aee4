"""What the server answers is what the library answers."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from answering import AUTHORIZATION, HOST, RAW, TOKEN, opened, picture, refused
from PIL import Image
from starlette.testclient import TestClient
from told import write_steps, write_told

from zoo.catalog.registry import Registry
from zoo.web.app import make_app
from zoo.web.shelf import Shelf

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from zoo.inference.model import Model


def raw(answer: Any, dtype: str) -> NDArray[Any]:
    assert answer.status_code == 200, answer.text
    shape = [int(length) for length in answer.headers["x-shape"].split(",")]
    return np.frombuffer(answer.content, dtype).reshape(shape)


def levels(pictures: NDArray[Any]) -> NDArray[Any]:
    return np.rint(pictures * 255).astype(np.uint8).transpose(0, 2, 3, 1)


def test_all_models_are_listed_with_the_first_named(client: TestClient) -> None:
    found = client.get("/models").json()
    assert [row["id"] for row in found["models"]] == ["tiny.test", "tiny.vae", "tiny.free"]
    assert found["first"] == "tiny.test"
    assert found["models"][1]["can"] == ["encode", "decode", "generate"]


def test_a_model_is_described_by_its_interface(client: TestClient) -> None:
    found = client.get("/models/tiny.vae").json()
    assert found["interface"]["latent"] == {"shape": [2], "prior": "normal", "noise": None, "repeat": 1}
    assert set(found["interface"]["roles"]) == {"encode", "decode"}
    assert found["interface"]["roles"]["encode"]["fit"]["name"] == "resize"
    assert found["name"].startswith("dir:")
    assert found["card"] == "\n"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_run_gives_the_pictures_format_and_pixels(client: TestClient, shelf: Shelf, kind: str) -> None:
    data = picture((9, 7), kind)
    image = opened(client.post("/run/tiny.test", content=data))
    assert (image.format, image.size) == (kind, (9, 7))
    if kind == "PNG":
        expected = shelf.open("tiny.test").translate(Image.open(BytesIO(data)))
        assert np.abs(np.asarray(image, float) - expected[0].transpose(1, 2, 0) * 255).max() <= 1


def test_run_takes_and_gives_base64_in_json(client: TestClient) -> None:
    body = {"image": "data:image/png;base64," + base64.b64encode(picture()).decode()}
    answer = client.post("/run/tiny.test", json=body, headers={"accept": "application/json"}).json()
    assert Image.open(BytesIO(base64.b64decode(answer["image"]))).size == (6, 4)
    assert (answer["format"], answer["notes"]) == ("png", [])


def test_run_says_what_reading_changed(client: TestClient) -> None:
    frames = [Image.new("RGB", (4, 4), name) for name in ("red", "blue")]
    data = BytesIO()
    frames[0].save(data, "GIF", save_all=True, append_images=frames[1:])
    answer = client.post("/run/tiny.test", content=data.getvalue())
    assert answer.headers["x-notes"] == "%5B%22animated%3A%20first%20of%202%20taken%22%5D"


def test_encode_and_decode_are_those_of_the_model(client: TestClient, shelf: Shelf) -> None:
    data, model = picture((4, 4)), shelf.open("tiny.vae")
    latent = raw(client.post("/encode/tiny.vae", content=data, headers=RAW), "<f4")
    assert np.array_equal(latent, model.encode(Image.open(BytesIO(data))))
    nested = client.post("/encode/tiny.vae", content=data).json()["latents"]
    made = raw(client.post("/decode/tiny.vae", content=latent.tobytes(), headers=RAW), "u1")
    assert np.array_equal(made, levels(model.decode(latent)))
    again = raw(client.post("/decode/tiny.vae", json={"latents": nested}, headers=RAW), "u1")
    assert np.array_equal(again, made)


def test_decode_of_several_is_a_sheet_or_a_list(client: TestClient) -> None:
    body = {"latents": [[0.0, 0.0], [1.0, -1.0], [2.0, 2.0]]}
    assert opened(client.post("/decode/tiny.vae", json=body)).size > (4, 4)
    listed = client.post("/decode/tiny.vae", json=body, headers={"accept": "application/json"}).json()["images"]
    assert [Image.open(BytesIO(base64.b64decode(one))).size for one in listed] == [(4, 4)] * 3


def test_seeds_give_the_same_as_the_library(client: TestClient, shelf: Shelf) -> None:
    model = shelf.open("tiny.vae")
    assert np.array_equal(
        raw(client.post("/draw/tiny.vae", json={"n": 3, "seed": 5}, headers=RAW), "<f4"), model.draw(3, 5)
    )
    made = raw(client.post("/generate/tiny.vae", json={"n": 3, "seed": 5}, headers=RAW), "u1")
    assert np.array_equal(made, levels(model.generate(3, 5)))


def test_latent_verbs_are_those_of_the_library(client: TestClient, shelf: Shelf) -> None:
    model = shelf.open("tiny.vae")
    a, b = model.draw(1, 1)[0], model.draw(2, 2)[1]
    places = {"a": {"seed": 1}, "b": {"seed": 2, "draw": 1}}
    between = client.post("/interpolate/tiny.vae", json={**places, "steps": 5, "path": "linear"}, headers=RAW)
    assert np.array_equal(raw(between, "u1"), levels(model.interpolate(a, b, 5, "linear")))
    total = client.post("/add/tiny.vae", json={**places, "weights": [1, 0.5]}, headers=RAW)
    assert np.array_equal(raw(total, "u1"), levels(model.add(a, b, (1, 0.5))))
    like = client.post("/vary/tiny.vae", json={"of": {"latent": a.tolist()}, "n": 4, "seed": 3}, headers=RAW)
    assert np.array_equal(raw(like, "u1"), levels(model.vary(a, 0.3, 4, 3)))


def test_a_picture_is_a_place(client: TestClient, shelf: Shelf) -> None:
    data = picture((4, 4))
    body = {"of": {"image": base64.b64encode(data).decode()}, "strength": 0, "n": 1}
    made = raw(client.post("/vary/tiny.vae", json=body, headers=RAW), "u1")
    model = shelf.open("tiny.vae")
    assert np.array_equal(made, levels(model.reconstruct(Image.open(BytesIO(data)))))


def test_the_space_of_two_dimensions_is_its_axes(client: TestClient) -> None:
    found = client.get("/models/tiny.vae/space").json()
    axes = np.frombuffer(base64.b64decode(found["axes"]), "<f4").reshape(2, 2)
    assert np.array_equal(axes, np.eye(2, dtype=np.float32))
    points = client.get("/models/tiny.vae/points").json()
    assert (len(points["places"]), points["labels"], points["of"]) == (400, [], "draws from the prior")


@pytest.mark.parametrize("model", ["tiny.test", "tiny.vae"])
def test_every_model_has_a_sample(client: TestClient, model: str) -> None:
    assert opened(client.get(f"/models/{model}/sample")).width >= 4


WRONG = {
    "no model": ("/run/nothing", picture(), 404, "no model, family or task 'nothing'"),
    "a path": ("/run/dir:checkpoint", picture(), 404, "this server has no model"),
    "the hub": ("/run/hub:name", picture(), 404, "this server has no model"),
    "no picture": ("/run/tiny.test", b"words", 422, "the picture"),
    "nothing": ("/run/tiny.test", b"", 422, "empty"),
    "cut off": ("/run/tiny.test", picture((90, 90))[:200], 422, "cut off"),
    "a strength": ("/run/tiny.test?strength=1.5", picture(), 400, "no colour strength"),
    "a word": ("/run/tiny.test?strength=much", picture(), 400, "strength must be a number"),
    "no candidates": ("/run/tiny.test?candidate=2", picture(), 400, "has no candidates"),
    "far too many": ("/run/tiny.test?candidate=999999", picture(), 400, "there are candidates"),
    "a format": ("/run/tiny.test?format=exe", picture(), 400, "there is no format"),
    "can't": ("/encode/tiny.test", picture(), 400, "can't encode"),
    "can't draw": ("/draw/tiny.free", b"", 400, "can't generate"),
    "half a latent": ("/decode/tiny.vae", b"12345", 400, "8 bytes for each"),
    "not finite": ("/decode/tiny.vae", np.full(2, np.nan, "<f4").tobytes(), 400, "finite"),
    "too many": ("/decode/tiny.vae", np.zeros(2 * 257, "<f4").tobytes(), 400, "at most 256"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_requests_are_refused_in_one_line(client: TestClient, what: str) -> None:
    path, body, status, words = WRONG[what]
    assert words in refused(client.post(path, content=body), status)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/generate/tiny.vae", {"n": 10**9}),
        ("/generate/tiny.vae", {"seed": -1}),
        ("/generate/tiny.vae", {"more": 1}),
        ("/decode/tiny.vae", {"latents": [[1, 2], [3]]}),
        ("/decode/tiny.vae", {"latents": [["a", "b"]]}),
        ("/vary/tiny.vae", {"of": {"seed": 1, "latent": [1, 2]}}),
        ("/vary/tiny.vae", {"of": {}}),
        ("/vary/tiny.vae", {"of": {"image": "?"}}),
        ("/interpolate/tiny.vae", {"a": {"seed": 0}, "b": {"seed": 1}, "path": "crooked"}),
        ("/add/tiny.vae", {"a": {"seed": 0}, "b": {"latent": [1, 2, 3]}}),
    ],
)
def test_wrong_json_is_refused_in_one_line(client: TestClient, path: str, body: dict[str, Any]) -> None:
    assert refused(client.post(path, json=body), 400)


def test_json_nested_without_end_is_refused(client: TestClient) -> None:
    body = b'{"latents":' + b"[" * 100_000
    assert refused(client.post("/decode/tiny.vae", content=body, headers={"content-type": "application/json"}), 400)


def test_a_fault_of_the_program_is_one_line(client: TestClient, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise RuntimeError("secret words")

    monkeypatch.setattr(shelf, "open", broken)
    line = refused(client.post("/run/tiny.test", content=picture()), 500)
    assert "RuntimeError" in line
    assert "secret" not in line


def client_of(folder: Path) -> tuple[TestClient, Model]:
    shelf = Shelf(Registry.build([]), [f"dir:{folder}"])
    return TestClient(make_app(shelf, TOKEN, workers=1), HOST, headers=AUTHORIZATION), shelf.open(shelf.first)


def test_conditions_are_told_in_the_query(tmp_path: Path) -> None:
    client, model = client_of(write_told(tmp_path / "told"))
    with client:
        latents = model.draw(2)
        path = f"/decode/{model.id}?set=kind%3Ddog&set=light%3D0.25"
        made = raw(client.post(path, content=latents.tobytes(), headers=RAW), "u1")
        assert np.array_equal(made, levels(model.decode(latents, kind="dog", light=0.25)))
        assert "kind is needed" in refused(client.post(f"/decode/{model.id}", content=latents.tobytes()), 400)
        assert "write NAME=VALUE" in refused(client.post(f"/generate/{model.id}?set=kind", json={}), 400)
        assert "kind is one of cat, dog" in refused(client.post(f"/generate/{model.id}?set=kind%3Dcow", json={}), 400)
        conditions = client.get(f"/models/{model.id}").json()["interface"]["conditions"]
        assert [condition["name"] for condition in conditions] == ["kind", "light"]
        assert client.get(f"/models/{model.id}/space").status_code == 200


def test_steps_are_said_in_the_query(tmp_path: Path, client: TestClient) -> None:
    denoising, model = client_of(write_steps(tmp_path / "steps"))
    with denoising:
        for steps in (1, 3):
            made = raw(denoising.post(f"/generate/{model.id}?steps={steps}", json={"n": 3}, headers=RAW), "u1")
            assert np.array_equal(made, levels(model.generate(3, steps=steps)))
    assert "steps are for models that denoise" in refused(client.post("/generate/tiny.vae?steps=2", json={}), 400)


def test_a_shape_that_a_model_leaves_free_is_said(client: TestClient, shelf: Shelf) -> None:
    latents = np.linspace(-1, 0, 2 * 6, dtype=np.float32).reshape(1, 1, 2, 6)
    made = raw(client.post("/decode/tiny.free?shape=1,2,6", content=latents.tobytes(), headers=RAW), "u1")
    assert np.array_equal(made, levels(shelf.open("tiny.free").decode(latents)))
    for shape in ("", "?shape=1,2", "?shape=2,2,6", "?shape=1,0,6", "?shape=1,-2,6", "?shape=1,99999999,6"):
        assert "say shape=1,N,N" in refused(client.post(f"/decode/tiny.free{shape}", content=latents.tobytes()), 400)
    assert "float32" in refused(client.post("/decode/tiny.free?shape=1,5,5", content=latents.tobytes()), 400)
