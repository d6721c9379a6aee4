"""What a word on the command line means to a latent verb, and files of latents from anywhere."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vaes import load_free, load_vae

import zoo
from zoo.errors import NotFoundError, UnsafeFileError, UnsupportedCapability, UsageError
from zoo.inference.model import Model
from zoo.jobs.operands import (
    Latents,
    Operand,
    encode_files,
    like,
    read_latents,
    refuse_input,
    resolve,
    resolve_all,
    write_latents,
)

PICTURES = np.random.default_rng(0).random((3, 1, 4, 4), np.float32)


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_vae(tmp_path_factory.mktemp("vae"))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with pictures a.png, b.png, c.png and their latents, l.npz."""
    monkeypatch.chdir(tmp_path)
    zoo.write_images(PICTURES, ["a.png", "b.png", "c.png"])


@pytest.fixture
def rows(vae: Model) -> np.ndarray:
    content, errors = encode_files(vae, [Path("a.png"), Path("b.png"), Path("c.png")])
    assert content
    assert not errors
    write_latents(Path("l.npz"), content)
    return content.latents


def test_a_picture_is_encoded_and_kept_as_the_model_sees_it(vae: Model) -> None:
    zoo.write_images(np.ones((1, 3, 6, 9), np.float32), ["large.png"])
    found = resolve(vae, "large.png")
    np.testing.assert_array_equal(found.latents, vae.encode("large.png"))
    assert (found.names, found.file) == (("large.png",), Path("large.png"))
    np.testing.assert_allclose(found.picture, np.ones((1, 1, 4, 4)), atol=0.01)


def test_a_seed_is_a_draw_from_the_prior(vae: Model) -> None:
    np.testing.assert_array_equal(resolve(vae, "seed:7").latents, vae.draw(1, seed=7))
    found = resolve(vae, "seed:7:2")
    np.testing.assert_array_equal(found.latents, vae.draw(3, seed=7)[2:])
    assert (found.names, found.file, found.picture) == (("seed-7-2",), None, None)


def test_a_row_of_a_file_is_its_latent(vae: Model, rows: np.ndarray) -> None:
    for text in ("l.npz:1", "./l.npz:1"):
        found = resolve(vae, text)
        np.testing.assert_array_equal(found.latents, rows[1:2])
        assert (found.names, found.file, found.model) == (("b.png",), Path("l.npz"), "tiny.test")
    everything = resolve_all(vae, "l.npz")
    np.testing.assert_array_equal(everything.latents, rows)
    assert everything.names == ("a.png", "b.png", "c.png")


def test_a_file_of_one_latent_needs_no_row(vae: Model, rows: np.ndarray) -> None:
    write_latents(Path("one.npz"), Latents(rows[:1], ("a",), "tiny.test"))
    np.testing.assert_array_equal(resolve(vae, "one.npz").latents, rows[:1])
    with pytest.raises(UsageError, match=r"l\.npz holds 3 latents: say which, l\.npz:0 to :2"):
        resolve(vae, "l.npz")


@pytest.mark.parametrize("name", ["seed:3", "12:30.png", "l.npz:1"])
def test_a_file_that_exists_is_meant_whatever_its_name(vae: Model, rows: np.ndarray, name: str) -> None:
    Path("a.png").rename(name)
    np.testing.assert_array_equal(resolve(vae, name).latents, rows[:1])


def test_a_file_of_latents_may_have_a_colon_in_its_name(vae: Model, rows: np.ndarray) -> None:
    Path("l.npz").rename("at 12:30.npz")
    np.testing.assert_array_equal(resolve(vae, "at 12:30.npz:2").latents, rows[2:])


@pytest.mark.parametrize(
    ("text", "kind", "word"),
    [
        ("absent.png", NotFoundError, r"^absent\.png: no such file; take a picture, seed:N, or FILE\.npz:ROW$"),
        ("absent.npz:3", NotFoundError, r"^absent\.npz:3: no such file"),
        ("seeds:3", NotFoundError, "no such file"),
        ("", NotFoundError, "no such file"),
        ("\0", NotFoundError, "no such file"),
        ("x" * 5000, NotFoundError, "no such file"),
        (".", UsageError, "is a folder"),
        ("l.npz:3", UsageError, r"^l\.npz has the rows 0 to 2, not 3$"),
        ("l.npz:-1", NotFoundError, "no such file"),
        ("seed:", UsageError, "say seed:N"),
        ("seed:-1", UsageError, "say seed:N"),
        ("seed:1.5", UsageError, "say seed:N"),
        ("seed:1:10000", UsageError, "say seed:N"),
        ("seed:" + "9" * 20, UsageError, r"the seed in 0\.\.2\*\*64-1"),
    ],
)
def test_what_means_nothing_is_refused(
    vae: Model, rows: np.ndarray, text: str, kind: type[Exception], word: str
) -> None:
    with pytest.raises(kind, match=word):
        resolve(vae, text)


def test_refusing_latents_of_another_shape_names_their_model(vae: Model) -> None:
    write_latents(Path("other.npz"), Latents(np.zeros((2, 5), np.float32), ("a", "b"), "tiny.other"))
    with pytest.raises(UsageError, match=r"latents of shape \(5,\), of tiny\.other; those of tiny\.test have \(2,\)"):
        resolve(vae, "other.npz:0")
    write_latents(Path("free.npz"), Latents(np.zeros((2, 1, 3, 4), np.float32), ("a", "b"), ""))
    with pytest.raises(UsageError, match="shape"):
        resolve(vae, "free.npz:0")


def test_a_model_must_be_able_to(tmp_path: Path) -> None:
    free = load_free(tmp_path / "free")
    with pytest.raises(UnsupportedCapability, match="can't generate"):
        resolve(free, "seed:1")


def test_a_file_of_latents_comes_back_as_it_was(tmp_path: Path) -> None:
    content = Latents(
        np.random.default_rng(1).random((2, 3, 1), np.float32), ("ä.png", "b"), "x.y", std=np.ones((2, 3, 1))
    )
    write_latents(Path("f.npz"), content)
    found = read_latents(Path("f.npz"))
    np.testing.assert_array_equal(found.latents, content.latents)
    np.testing.assert_array_equal(found.std, content.std)
    assert (found.names, found.model, found.latents.dtype) == (content.names, "x.y", np.float32)
    with np.load("f.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"latents", "names", "model", "std"}


def test_a_file_with_nothing_but_latents_will_do(vae: Model) -> None:
    np.savez_compressed("bare.npz", latents=np.ones((2, 2)))
    found = resolve(vae, "bare.npz:1")
    np.testing.assert_array_equal(found.latents, np.ones((1, 2), np.float32))
    assert (found.names, found.model) == (("",), "")


class Trap:
    """What must never be unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("sprung"),)


def lying_header() -> bytes:
    """An array that claims far more than it holds."""
    data = BytesIO()
    np.lib.format.write_array_header_1_0(data, {"shape": (10**9, 2), "fortran_order": False, "descr": "<f4"})
    return data.getvalue() + bytes(8)


def archive(**members: bytes) -> bytes:
    data = BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return data.getvalue()


def saved(**arrays: Any) -> bytes:
    data = BytesIO()
    np.savez(data, **arrays)
    return data.getvalue()


GOOD = np.ones((2, 2), np.float32)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "is no file of latents"),
        (b"PK\x03\x04 and then nothing", "is no file of latents"),
        (saved(latents=GOOD)[:-40], "is no file of latents"),
        (saved(latents=GOOD).replace(np.float32(1).tobytes(), np.float32(2).tobytes()), "CRC"),
        (saved(latents=np.array([Trap()], dtype=object)), "allow_pickle=False"),
        (saved(latents=GOOD, names=np.array([Trap(), Trap()], dtype=object)), "allow_pickle=False"),
        (archive(latents=lying_header()), "is no file of latents"),
        (archive(latents=b"no array"), "is no file of latents"),
        (archive(model=bytes(70_000)), "'model' takes 70000 bytes, at most 65536 are read"),
        (saved(images=GOOD), "holds no array 'latents'; `zoo encode` writes such files"),
        (saved(latents=np.ones(3)), "must be finite floats"),
        (saved(latents=np.ones((0, 2))), "must be finite floats"),
        (saved(latents=np.array([["a", "b"]])), "must be finite floats"),
        (saved(latents=np.ones((2, 2), complex)), "must be finite floats"),
        (saved(latents=np.full((1, 2), np.nan)), "must be finite floats"),
        (saved(latents=np.full((1, 2), 1e300)), "must be finite floats"),
        (saved(latents=GOOD, names=np.array(["a"])), "'names' must be 2 words"),
        (saved(latents=GOOD, names=np.array([1, 2])), "'names' must be 2 words"),
        (saved(latents=GOOD, std=np.ones(2)), "'std' must be finite floats"),
        (saved(latents=GOOD, std=np.ones((2, 1))), r"'std' must have the latents' shape \(2, 2\), not \(2, 1\)"),
    ],
)
def test_a_file_that_is_no_good_is_refused(data: bytes, word: str) -> None:
    Path("bad.npz").write_bytes(data)
    with pytest.raises(UnsafeFileError, match=word) as caught:
        read_latents(Path("bad.npz"))
    assert str(caught.value).startswith("bad.npz")
    assert "\n" not in str(caught.value)
    assert not Path("sprung").exists()


def test_a_file_is_never_replaced_unless_it_is_said(rows: np.ndarray) -> None:
    before = Path("l.npz").read_bytes()
    content = Latents(rows + 1, ("a", "b", "c"), "tiny.test")
    with pytest.raises(UsageError, match=r"l\.npz exists: use --force"):
        write_latents(Path("l.npz"), content)
    assert Path("l.npz").read_bytes() == before
    write_latents(Path("l.npz"), content, force=True)
    np.testing.assert_array_equal(read_latents(Path("l.npz")).latents, rows + 1)
    with pytest.raises(UsageError, match=r"ends in \.npz"):
        write_latents(Path("l.png"), content)


def test_pictures_that_can_not_be_encoded_stop_no_others(vae: Model) -> None:
    Path("bad.png").write_bytes(b"nothing")
    seen: list[None] = []
    files = [Path(name) for name in ("a.png", "bad.png", "absent.png", "c.png")]
    content, errors = encode_files(vae, files, std=True, advance=lambda: seen.append(None))
    assert content
    assert content.std is not None
    assert (content.names, content.model, content.std.shape) == (("a.png", "c.png"), "tiny.test", (2, 2))
    np.testing.assert_array_equal(content.latents[1:], vae.encode("c.png"))
    assert [type(error) for error in errors] == [UnsafeFileError, NotFoundError]
    assert len(seen) == 4
    assert encode_files(vae, files[1:3])[0] is None


def test_latents_of_two_sizes_do_not_go_into_one_file(tmp_path: Path) -> None:
    zoo.write_images(np.ones((1, 1, 5, 4), np.float32), ["tall.png"])
    content, errors = encode_files(load_free(tmp_path / "free"), [Path("a.png"), Path("tall.png"), Path("b.png")])
    assert content
    assert content.names == ("a.png", "b.png")
    assert "tall.png gives latents of another shape than a.png" in str(errors[0])


def test_names_of_files_hold_nothing_that_leads_elsewhere() -> None:
    names = ("../../etc/passwd", "C:\\a b.png", "", "..", "é.jpg", "x" * 300, "a/\0\n;rm.png")
    found = Operand(np.zeros((7, 2), np.float32), names).file_names()
    wanted = ["00000-passwd", "00001-a_b", "00002", "00003", "00004-é", "00005-" + "x" * 80, "00006-_rm"]
    assert [name.removesuffix(".png") for name in found][:6] == wanted[:6]
    assert all("/" not in name and "\\" not in name and name.isprintable() and name.endswith(".png") for name in found)


def test_an_input_is_never_the_result() -> None:
    Path("link.png").symlink_to("a.png")
    for target in ("a.png", "link.png", "./a.png"):
        with pytest.raises(UsageError, match="is an input and would be overwritten"):
            refuse_input(Path(target), [None, Path("b.png"), Path("a.png")])
    refuse_input(Path("b.png"), [None, Path("a.png"), Path("absent.png")])
    refuse_input(Path("new.png"), [Path("a.png")])


def test_a_picture_stands_beside_what_was_made_only_if_it_can() -> None:
    gray, colour = np.zeros((1, 1, 4, 4), np.float32), np.ones((1, 3, 4, 4), np.float32)
    assert like(gray, colour).shape == (1, 3, 4, 4)
    assert not like(gray, colour).any()
    assert like(colour, gray) is gray
    assert like(None, colour) is colour
    assert like(np.zeros((1, 3, 5, 4), np.float32), colour) is colour
    assert like(gray, gray + 1) is gray
