"""A store of objects on this machine, which answers as S3 does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer

import pytest
from door import Door, Handler

from zoo.stores import remote, retries


@pytest.fixture(scope="session")
def store() -> Iterator[int]:
    """The port of the store."""
    pytest.importorskip("s3fs")
    server_of = pytest.importorskip("moto.server").ThreadedMotoServer
    server = server_of(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield port
    server.stop()


@pytest.fixture
def door(store: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """An empty bucket `photos` behind a door; every client of S3 in this process goes through it."""
    door = Door(store)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Handler,), {"door": door}))
    server.daemon_threads = True
    door.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{door.port}",
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    remote._opened.cache_clear()
    import boto3

    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{store}")
    client.create_bucket(Bucket="photos")
    yield door
    for page in client.list_objects_v2(Bucket="photos").get("Contents", []):
        client.delete_object(Bucket="photos", Key=page["Key"])
    client.close()
    server.shutdown()
    server.server_close()
    thread.join()
    remote._opened.cache_clear()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before further attempts, none of which is made."""
    made: list[float] = []
    monkeypatch.setattr(retries, "_pause", made.append)
    return made


@pytest.fixture
def objects(door: Door) -> Iterator[Callable[[], dict[str, bytes]]]:
    """What is in the bucket, seen from behind the door."""
    import boto3

    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{door.store}")

    def read() -> dict[str, bytes]:
        keys = [each["Key"] for each in client.list_objects_v2(Bucket="photos").get("Contents", [])]
        return {key: client.get_object(Bucket="photos", Key=key)["Body"].read() for key in keys}

    yield read
    client.close()
