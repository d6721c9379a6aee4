"""Files in a store: read, put and listed, with requests that fail."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from door import Door

from zoo.errors import AccessError, NetworkError, NotFoundError, PluginError, UnsafeFileError, UsageError
from zoo.stores import remote
from zoo.stores.remote import Remote, is_url
from zoo.stores.retries import ATTEMPTS

Objects = Callable[[], dict[str, bytes]]


def test_places_have_the_names_of_paths() -> None:
    place = Remote("s3://photos/in/a.v2.jpg")
    assert (place.name, place.stem, place.suffix) == ("a.v2.jpg", "a.v2", ".jpg")
    assert str(place.with_name("b.png")) == "s3://photos/in/b.png"
    assert str(remote.remote("zip://a.zip")) == "zip://::a.zip"
    assert str(Remote("s3://photos/in").below("x/y.png")) == str(Remote("s3://photos/in/").below("x/y.png"))
    inner = Remote("zip://in/::/tmp/a.zip").below("b.png")
    assert (str(inner), inner.name) == ("zip://in/b.png::/tmp/a.zip", "b.png")
    web = Remote("https://me:pass@host/a%20b.jpg?signature=1")
    assert (web.name, str(web)) == ("a b.jpg", "https://host/a%20b.jpg")
    assert [is_url(text) for text in ("s3://a", "a/b", "dir:a", "C://x", "-")] == [True, False, False, True, False]


def test_what_is_put_is_read_and_listed(door: Door) -> None:
    for name in ("in/a.jpg", "in/b.txt", "in/sub/c.png"):
        Remote(f"s3://photos/{name}").write(name.encode())
    assert Remote("s3://photos/in/a.jpg").read() == b"in/a.jpg"
    assert Remote("s3://photos/in/a.jpg").stat() == 8
    assert Remote("s3://photos/in").stat() is None
    found = list(Remote("s3://photos/in").files(recursive=True))
    assert [(str(place), str(path), place.size) for place, path in found] == [
        ("s3://photos/in/a.jpg", "a.jpg", 8),
        ("s3://photos/in/b.txt", "b.txt", 8),
        ("s3://photos/in/sub/c.png", "sub/c.png", 12),
    ]
    assert [str(path) for _, path in Remote("s3://photos/in/").files(recursive=False)] == ["a.jpg", "b.txt"]
    assert list(map(str, Remote("s3://photos/in/*.jpg").matches())) == ["s3://photos/in/a.jpg"]


def test_each_takes_one_request(door: Door) -> None:
    place = Remote("s3://photos/a.jpg")
    assert place.stat() is None
    place.write(b"a")
    place.read()
    assert [line.split()[0] for line in door.seen] == ["HEAD", "PUT", "GET"]


def test_an_object_is_not_replaced_unless_that_is_said(door: Door, objects: Objects) -> None:
    place = Remote("s3://photos/a.jpg")
    place.write(b"one")
    with pytest.raises(UsageError, match=r"s3://photos/a\.jpg exists: use --force"):
        place.write(b"two")
    assert objects() == {"a.jpg": b"one"}
    place.write(b"two", force=True)
    assert objects() == {"a.jpg": b"two"}


@pytest.mark.parametrize("how", ["busy", "gone"])
@pytest.mark.parametrize("times", [1, ATTEMPTS - 1])
def test_requests_that_fail_are_made_again(
    door: Door, objects: Objects, pauses: list[float], how: str, times: int
) -> None:
    place = Remote("s3://photos/a.jpg")
    for method, action in (("PUT", lambda: place.write(b"one")), ("GET", place.read), ("HEAD", place.stat)):
        door.spoil(times, method, "a.jpg", how)
        action()
    assert objects() == {"a.jpg": b"one"}
    assert door.faults == []
    # A connection that is closed is opened again once by the client itself, without a pause.
    assert len(pauses) == 3 * times if how == "busy" else len(pauses) <= 3 * times
    assert all(0.125 <= pause <= 15 for pause in pauses)


def test_an_answer_that_breaks_off_is_asked_for_again(door: Door, pauses: list[float]) -> None:
    data = bytes(range(256)) * 400
    place = Remote("s3://photos/a.jpg")
    place.write(data)
    door.spoil(2, "GET", "a.jpg", "cut")
    assert place.read() == data
    assert len(pauses) == 2


def test_a_lost_answer_to_a_put_is_no_clash(door: Door, objects: Objects, pauses: list[float]) -> None:
    """The store has the object, and the client does not know it: the next attempt finds it there."""
    door.spoil(1, "PUT", "a.jpg", "lost")
    Remote("s3://photos/a.jpg").write(b"one")
    assert door.count("PUT") == 2
    assert objects() == {"a.jpg": b"one"}


def test_what_never_succeeds_is_said(door: Door, pauses: list[float]) -> None:
    door.spoil(ATTEMPTS, "GET", "a.jpg", "busy")
    with pytest.raises(NetworkError, match=rf"s3://photos/a\.jpg: .*after {ATTEMPTS} attempts"):
        Remote("s3://photos/a.jpg").read()
    assert len(pauses) == ATTEMPTS - 1


def test_what_is_missing_is_not_asked_for_again(door: Door, pauses: list[float]) -> None:
    with pytest.raises(NotFoundError, match=r"s3://photos/none\.jpg: no such file"):
        Remote("s3://photos/none.jpg").read()
    assert (door.count("GET"), pauses) == (1, [])


def test_without_credentials_it_says_so(
    door: Door, pauses: list[float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(AccessError, match="credentials"):
        Remote("s3://photos/a.jpg").write(b"one")
    assert pauses == []


def test_an_archive_is_read_and_not_written(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("in/a.png", b"one")
        archive.writestr("in/sub/b.png", b"two")
    place = Remote(f"zip://in::{tmp_path}/a.zip")
    found = {str(path): found.read() for found, path in place.files(recursive=True)}
    assert found == {"a.png": b"one", "sub/b.png": b"two"}
    assert len(list(Remote(f"zip://::{tmp_path}/a.zip").files(recursive=True))) == 2
    with pytest.raises(UsageError, match="zip:// is only read"):
        place.below("c.png").write(b"three")
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    with pytest.raises(UnsafeFileError, match=r"bad\.zip is no zip archive"):
        Remote(f"zip://a.png::{tmp_path}/bad.zip").read()
    with pytest.raises(NotFoundError, match="no such file"):
        Remote(f"zip://a.png::{tmp_path}/none.zip").read()


def test_other_stores_get_a_file_when_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    monkeypatch.setattr(memory, "store", {})
    monkeypatch.setattr(remote, "_opened", lambda *_: memory)
    place = Remote("memory://out/sub/a.png")
    place.write(b"one")
    with pytest.raises(UsageError, match="exists"):
        place.write(b"two")
    place.write(b"two", force=True)
    assert place.read() == b"two"
    monkeypatch.setattr(memory, "mv", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        remote._put_by_name(memory, "/out/b.png", b"three", False)
    assert memory.find("/out") == ["/out/sub/a.png"]


@pytest.mark.parametrize(
    ("url", "error", "says"),
    [
        ("nonsense://a.png", UsageError, "no store that is known"),
        ("gs://bucket/a.png", PluginError, "pip install gcsfs"),
    ],
)
def test_stores_that_are_not_there(url: str, error: type[Exception], says: str) -> None:
    remote._opened.cache_clear()
    with pytest.raises(error, match=says):
        Remote(url).read()
