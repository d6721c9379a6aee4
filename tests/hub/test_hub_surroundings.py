"""What lies between a machine and the Hub: certificates, proxies, endpoints. Errors name what is to be changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from machine import Machine
from world import World, on

from zoo.checkpoints.hub.endpoint import require_address

NO_BYPASS: dict[str, str | None] = {"NO_PROXY": None}


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_are_not_there_are_named(machine: Machine, name: str) -> None:
    line = machine.zoo("pull", "ana/x", **{name: "/no/such.pem"}).error(2)
    assert f"{name} names /no/such.pem, which is not there" in line


def test_a_folder_is_no_file_of_certificates(machine: Machine) -> None:
    line = machine.zoo("pull", "ana/x", SSL_CERT_FILE=str(machine.folder)).error(2)
    assert f"SSL_CERT_FILE names {machine.folder}, which is a folder" in line


def test_an_empty_endpoint_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "")
    require_address()
    assert "HF_ENDPOINT" not in os.environ


@pytest.mark.parametrize("address", ["http://ana:secret@127.0.0.1:1", "ftp://ana:secret@host"])
def test_a_password_in_the_endpoint_is_not_shown(machine: Machine, address: str) -> None:
    done = machine.zoo("pull", "ana/x", HF_ENDPOINT=address)
    assert done.code in (2, 5)
    assert "secret" not in done.err
    assert address.rpartition("@")[2] in done.err


def test_a_file_without_certificates_is_named(machine: Machine) -> None:
    file = machine.folder / "empty.pem"
    file.write_text("none")
    line = machine.zoo("pull", "ana/x", SSL_CERT_FILE=str(file)).error(2)
    assert f"SSL_CERT_FILE={file}: no certificates can be read from it" in line


def test_what_is_cached_needs_no_certificates(machine: Machine, published: str) -> None:
    name = machine.zoo("pull", published).out.strip()
    assert machine.zoo("pull", name, SSL_CERT_FILE="/no/such.pem").code == 0


def test_requests_ca_bundle_is_not_read(machine: Machine, published: str) -> None:
    assert machine.zoo("pull", published, REQUESTS_CA_BUNDLE="/no/such.pem").code == 0


def test_a_proxy_that_is_not_there_is_named(machine: Machine) -> None:
    proxy = {"HTTP_PROXY": "http://ana:password@127.0.0.1:9", **NO_BYPASS}
    line = machine.zoo("pull", "ana/x", **proxy).error(5)
    assert "through the proxy http://127.0.0.1:9 that HTTP_PROXY names" in line
    assert "password" not in line


def test_a_proxy_that_asks_for_a_password_is_named(world: World) -> None:
    """The Hub stands for it: it takes whole addresses too."""
    on("", "status", code=407)(world)
    line = world.machine.zoo("pull", world.name, HTTP_PROXY=world.hub.url, **NO_BYPASS).error(5)
    assert f"through the proxy {world.hub.url} that HTTP_PROXY names: it answers 407" in line


def test_a_proxy_that_refuses_is_named(machine: Machine) -> None:
    """The Hub stands for it, and knows no CONNECT."""
    proxy = {"HF_ENDPOINT": "https://hub.test", "HTTPS_PROXY": machine.hub.url, **NO_BYPASS}
    line = machine.zoo("pull", "ana/x", **proxy).error(5)
    assert f"https://hub.test through the proxy {machine.hub.url} that HTTPS_PROXY names (501" in line


def test_a_proxy_whose_address_is_none_is_named(machine: Machine) -> None:
    line = machine.zoo("pull", "ana/x", HTTP_PROXY="ftp://127.0.0.1:9", **NO_BYPASS).error(2)
    assert "the proxy that HTTP_PROXY names can't be used: " in line


@pytest.mark.parametrize("address", ["http://[::1]:8080", "https://[2001:db8::1]/mirror", "https://hub.test:8443"])
def test_endpoints_with_ports_and_ipv6_are_taken(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    from zoo.checkpoints.hub.surroundings import check_endpoint, way_to_hub

    monkeypatch.setattr(constants, "ENDPOINT", address)
    check_endpoint()
    assert way_to_hub().startswith(address)
