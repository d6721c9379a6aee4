"""What a hostile page, a wrong client or a hostile upload can do: nothing."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from answering import AUTHORIZATION, HOST, TOKEN, opened, picture, refused
from starlette.testclient import TestClient

from zoo.web.app import make_app, page_files

if TYPE_CHECKING:
    from zoo.web.shelf import Shelf

OPERATIONS = ("/models", "/models/tiny.vae", "/models/tiny.vae/picture", "/run/tiny.test", "/decode/tiny.vae")


@pytest.mark.parametrize("path", OPERATIONS)
@pytest.mark.parametrize(
    "given", ["", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é"]
)
def test_nothing_is_answered_without_the_token(stranger: TestClient, path: str, given: str) -> None:
    headers = {"authorization": given.encode()} if given else {}
    answer = stranger.get(path, headers=headers)
    assert "token" in refused(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_in_the_query_or_a_cookie_is_none(stranger: TestClient) -> None:
    assert refused(stranger.get(f"/models?token={TOKEN}", headers={"cookie": f"token={TOKEN}"}), 401)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "192.168.1.7:8000",
        "",
        "[::1",
        "a@127.0.0.1:8000@evil",
    ],
)
@pytest.mark.parametrize("path", ["/", "/page/app.js", "/models", "/health"])
def test_other_names_are_refused(client: TestClient, host: str, path: str) -> None:
    assert "does not answer to that name" in refused(client.get(path, headers={"host": host}), 403)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
def test_names_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"host": host}).json() == {"status": "ok"}


def test_further_names_and_addresses_are_answered_where_said(shelf: Shelf) -> None:
    app = make_app(shelf, TOKEN, loopback=False, names=("zoo.example",), workers=1)
    with TestClient(app, HOST, headers=AUTHORIZATION) as client:
        for host in ("zoo.example", "192.168.1.7:8000"):
            assert client.get("/models", headers={"host": host}).status_code == 200
        assert refused(client.get("/models", headers={"host": "evil.example"}), 403)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9000", "http://127.0.0.1", "https://"]
)
def test_other_origins_are_refused(client: TestClient, origin: str) -> None:
    for path in ("/models", "/health"):
        assert "another site" in refused(client.get(path, headers={"origin": origin}), 403)


def test_requests_of_other_sites_are_refused(client: TestClient) -> None:
    for kind in ("cross-site", "same-site"):
        assert refused(client.post("/run/tiny.test", content=picture(), headers={"sec-fetch-site": kind}), 403)
    own = {"origin": HOST, "sec-fetch-site": "same-origin"}
    assert opened(client.post("/run/tiny.test", content=picture(), headers=own))


def test_no_answer_may_be_read_by_other_origins(client: TestClient) -> None:
    answer = client.options("/run/tiny.test", headers={"access-control-request-method": "POST"})
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_every_answer_has_the_headers_of_safety(client: TestClient) -> None:
    for path in ("/", "/page/app.js", "/models", "/nothing"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        policy = dict(
            part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";") if " " in part.strip()
        )
        assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")
        assert "unsafe" not in headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/page/../app.py",
        "/page/%2e%2e/app.py",
        "/page/..%2fguard.py",
        "/page//etc/passwd",
        "/page/%2fetc%2fpasswd",
        "/page/parts/..",
        "/page/__init__.py",
    ],
)
def test_only_files_of_the_page_are_served(client: TestClient, path: str) -> None:
    assert refused(client.get(path), 404)


@pytest.mark.parametrize("name", ["%2e%2e", "%2e%2e%2fetc", "tiny.vae%2f%2e%2e", "a%0d%0ab: c"])
def test_models_are_names_and_no_paths(client: TestClient, name: str) -> None:
    assert refused(client.get(f"/models/{name}"), 404)


def test_the_page_is_whole_and_asks_nobody_else(client: TestClient) -> None:
    names = page_files()
    assert {"index.html", "app.js", "style.css", "samples/photo.jpg"} <= set(names)
    assert client.get("/").headers["content-type"].startswith("text/html")
    for name, file in names.items():
        assert client.get(f"/page/{name}").content == file.read_bytes()
        if name.endswith((".js", ".css", ".html")):
            text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert "http://" not in text
            assert ".innerHTML" not in text
            assert "eval(" not in text


def test_a_body_that_is_too_long_is_refused(shelf: Shelf) -> None:
    with TestClient(make_app(shelf, TOKEN, workers=1, max_upload=1000), HOST, headers=AUTHORIZATION) as client:
        assert "MiB" in refused(client.post("/run/tiny.test", content=b"x" * 1001), 413)
        parts = (b"x" * 100 for _ in range(50))
        assert refused(client.post("/run/tiny.test", content=parts), 413)
        assert refused(client.post("/run/tiny.test", content=b"", headers={"content-length": "9" * 30}), 413)


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that unpacks to many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer, row = zlib.compressobj(9), bytes(1 + width // 8)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_refused(client: TestClient) -> None:
    data = bomb(20_000, 10_000)
    assert len(data) < 100_000
    assert "megapixels" in refused(client.post("/run/tiny.test", content=data), 422)
    assert "megapixels" in refused(client.post("/encode/tiny.vae", content=data), 422)


def test_a_server_without_the_page_has_none(shelf: Shelf) -> None:
    with TestClient(make_app(shelf, TOKEN, page=False, workers=1), HOST, headers=AUTHORIZATION) as client:
        assert refused(client.get("/"), 404)
        assert client.get("/models").status_code == 200


def test_nothing_of_the_server_touches_the_disk(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert opened(client.post("/run/tiny.test", content=picture((300, 200))))
    assert not list(tmp_path.iterdir())
