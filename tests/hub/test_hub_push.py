"""Pushing to a Hub: what is checked before a byte is sent, and what happens when it fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from loopback import Hub
from machine import Machine, Result

from zoo.catalog.expects import Expects
from zoo.checkpoints.format import write_expects

WRITES = {"HF_TOKEN": "hf_writes_secret"}
CHANGES = ("/preupload", "/commit", "/lfs", "/repos/create", "/tag/")


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may change."""
    return shutil.copytree(checkpoint, tmp_path / "copy")


def push(machine: Machine, folder: Path, name: str, *options: str, **env: str) -> Result:
    return machine.zoo("push", f"dir:{folder}", name, *options, **(env or WRITES))


def sent(hub: Hub, since: int) -> list[str]:
    """Requests that change something, or would."""
    return [str(seen) for seen in hub.seen[since:] if any(part in seen.path for part in CHANGES)]


def test_two_machines_share_a_model_and_refuse_a_changed_byte(
    hub: Hub, machine: Machine, checkpoint: Path, picture: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    pushed = push(machine, checkpoint, "ana/shared", "--tag", "v1", "--message", "First")
    assert pushed.code == 0, pushed.err
    repository = hub.repositories["ana/shared"]
    assert pushed.out == f"hub:ana/shared@{repository.head}\n"
    assert f"note: see {hub.url}/ana/shared/commit/" in pushed.err
    assert repository.tags == {"v1": repository.head}
    assert set(repository.files) == {".gitattributes", *files}
    same = {name: data for name, data in repository.files.items() if name in files and name != "README.md"}
    assert same == {name: data for name, data in files.items() if name != "README.md"}
    assert b"zoo run hub:ana/shared picture.jpg" in repository.files["README.md"]

    other = Machine(hub, tmp_path / "other")
    mine, theirs = tmp_path / "mine.png", tmp_path / "theirs.png"
    assert machine.zoo("run", f"dir:{checkpoint}", picture, "-o", mine).code == 0
    result = other.zoo("run", "hub:ana/shared@v1", picture, "-o", theirs)
    assert "made by: ana; license: Apache-2.0; family: tiny, not installed" in result.notes
    assert mine.read_bytes() == theirs.read_bytes()
    weights = next(other.cached("ana/shared").glob("snapshots/*/model.safetensors"))
    assert weights.read_bytes() == files["model.safetensors"]

    changed = files["model.safetensors"][:-1] + b"\x01"
    hub.commit(repository, {**repository.files, "model.safetensors": changed})
    line = other.zoo("run", "hub:ana/shared", picture, "-o", theirs, "--force").error(6)
    assert "model.safetensors is damaged: its sha256 is" in line


@pytest.mark.parametrize(
    ("token", "word"),
    [("", "pushing needs a token: set HF_TOKEN"), ("hf_reads_secret", "the token in HF_TOKEN may only read")],
)
def test_without_the_right_to_write_nothing_is_sent(
    hub: Hub, machine: Machine, checkpoint: Path, token: str, word: str
) -> None:
    since = len(hub.seen)
    assert word in push(machine, checkpoint, "ana/never", HF_TOKEN=token).error(4)
    assert sent(hub, since) == []
    assert "ana/never" not in hub.repositories


def test_nothing_is_sent_to_another_user_s_repository(
    hub: Hub, machine: Machine, checkpoint: Path, files: dict[str, bytes]
) -> None:
    commit = hub.add("bob/his", files).head
    line = push(machine, checkpoint, "bob/his").error(4)
    assert "the token in HF_TOKEN has no such right" in line
    assert hub.repositories["bob/his"].head == commit


def test_what_a_model_expects_goes_along(hub: Hub, machine: Machine, copy: Path) -> None:
    write_expects(copy, Expects(words="tiny squares"))
    assert f"dir:{copy}: README.md does not agree with" in push(machine, copy, "ana/choosy").error(7)
    assert machine.zoo("card", f"dir:{copy}", "--write").code == 0
    assert push(machine, copy, "ana/choosy").code == 0
    assert "| Expects | tiny squares |" in hub.repositories["ana/choosy"].files["README.md"].decode()
    assert "tiny squares" in machine.zoo("info", "hub:ana/choosy").out


def test_a_repository_changed_meanwhile_is_not_overwritten(
    hub: Hub, machine: Machine, copy: Path, published: str
) -> None:
    repository = hub.repositories[published]
    seen = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.head}
    machine.hub.fault("rewrite", f"{published}/refs", by=lambda refs: {**refs, "branches": [seen]})
    newer = hub.commit(repository, {**repository.files, "new.txt": b"x"})
    (copy / "README.md").write_text((copy / "README.md").read_text() + "\nMore.\n")
    assert "changed meanwhile: run it again; nothing was overwritten" in push(machine, copy, published).error(5)
    assert repository.head == newer


def test_a_commit_whose_answer_is_lost_is_found(hub: Hub, machine: Machine, copy: Path, published: str) -> None:
    repository = hub.repositories[published]
    before = len(repository.commits)
    hub.fault("unsure", f"{published}/commit", times=1)
    (copy / "README.md").write_text((copy / "README.md").read_text() + "\nMore.\n")
    result = push(machine, copy, published)
    assert "the Hub answers 500, but the commit has landed" in result.notes
    assert result.out == f"hub:{published}@{repository.head}\n"
    assert len(repository.commits) == before + 1


def test_a_commit_that_has_not_landed_is_not_sent_again(hub: Hub, machine: Machine, copy: Path, published: str) -> None:
    commit = hub.repositories[published].head
    fault = hub.fault("status", f"{published}/commit", code=500)
    (copy / "README.md").write_text((copy / "README.md").read_text() + "\nMore.\n")
    assert "the commit has not landed, the repository is as it was" in push(machine, copy, published).error(5)
    assert fault.hits == 1
    assert hub.repositories[published].head == commit


def test_an_upload_that_dies_changes_nothing(hub: Hub, machine: Machine, checkpoint: Path) -> None:
    from tiny import edit_config, sign

    hub.add("ana/dies")
    commit = hub.repositories["ana/dies"].head
    fresh = shutil.copytree(checkpoint, machine.folder / "fresh")
    weights = bytearray((fresh / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (fresh / "model.safetensors").write_bytes(weights)  # of which the Hub has no copy yet
    edit_config(fresh, lambda config: config)
    sign(fresh)
    hub.fault("status", "/lfs/ana/dies", method="PUT", code=500)
    line = push(machine, fresh, "ana/dies").error(5)
    assert "the repository is as it was" in line
    assert hub.repositories["ana/dies"].head == commit


def bad_yaml(folder: Path) -> None:
    card = folder / "README.md"
    card.write_text(card.read_text().replace("license: apache-2.0", "license: [apache"))


def no_card(folder: Path) -> None:
    (folder / "README.md").unlink()


def empty_section(folder: Path) -> None:
    card = folder / "README.md"
    card.write_text(card.read_text().replace("Prose by a person.", ""))


def bad_weights(folder: Path) -> None:
    from tiny import sign

    (folder / "model.safetensors").write_bytes(b"not weights")
    sign(folder)


def secret(name: str) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        (folder / name).write_text("hf_mine")

    return put


@pytest.mark.parametrize(
    ("spoil", "code", "word"),
    [
        (bad_yaml, 7, "README.md does not agree with config.json"),
        (empty_section, 7, "README.md says nothing under"),
        (no_card, 3, "has no README.md: `zoo card dir:"),
        (bad_weights, 7, "not a safetensors file"),
        (secret(".env"), 7, ".env looks like a secret"),
        (secret("token"), 7, "token looks like a secret"),
        (secret("id_ed25519"), 7, "id_ed25519 looks like a secret"),
    ],
)
def test_a_checkpoint_unfit_to_publish_is_not_sent(
    hub: Hub, machine: Machine, copy: Path, spoil: Callable[[Path], None], code: int, word: str
) -> None:
    spoil(copy)
    since = len(hub.seen)
    assert word in push(machine, copy, "ana/unfit").error(code)
    assert not [seen for seen in hub.seen[since:] if "unfit" in seen.path]


def test_the_pictures_of_the_card_go_along_and_nothing_else(hub: Hub, machine: Machine, copy: Path) -> None:
    card = copy / "README.md"
    card.write_text(card.read_text() + "\n![It at work](work.png) ![Elsewhere](https://example.test/x.png)\n")
    (copy / "work.png").write_bytes(b"\x89PNG")
    (copy / "notes.txt").write_bytes(b"mine")
    assert push(machine, copy, "ana/pictures", "--private").code == 0
    repository = hub.repositories["ana/pictures"]
    assert repository.private
    assert "work.png" in repository.files
    assert "notes.txt" not in repository.files


@pytest.mark.parametrize("name", [".git/x.png", "a/.hidden/x.png", "./.x.png"])
def test_a_card_that_shows_hidden_files_is_refused(hub: Hub, machine: Machine, copy: Path, name: str) -> None:
    (copy / "README.md").write_text((copy / "README.md").read_text() + f"\n![It at work]({name})\n")
    (copy / name).parent.mkdir(parents=True, exist_ok=True)
    (copy / name).write_bytes(b"\x89PNG")
    assert "is hidden and can't be pushed" in push(machine, copy, "ana/hidden").error(7)
    assert "ana/hidden" not in hub.repositories


def test_a_pull_request_leaves_the_branch_alone(hub: Hub, machine: Machine, copy: Path, published: str) -> None:
    commit = hub.repositories[published].head
    (copy / "README.md").write_text((copy / "README.md").read_text() + "\nMore.\n")
    result = push(machine, copy, published, "--pull-request")
    assert result.out == f"{hub.url}/{published}/discussions/1\n"
    assert hub.repositories[published].head == commit


def test_a_tag_that_is_taken_is_said_before_anything_is_sent(
    hub: Hub, machine: Machine, checkpoint: Path, published: str
) -> None:
    hub.repositories[published].tags["v1"] = hub.repositories[published].head
    since = len(hub.seen)
    assert "it has a tag 'v1' already" in push(machine, checkpoint, published, "--tag", "v1").error(2)
    assert sent(hub, since) == []
