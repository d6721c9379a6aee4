"""A checkpoint to the Hub: looked over before a byte leaves, one commit, never on top of another's."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import CommitOperationAdd, HfApi, constants, get_token
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from zoo.catalog.expects import format_expects
from zoo.checkpoints.cards import CARD, faults, read_card, render
from zoo.checkpoints.format import CONFIG_FILE, EXPECTS_FILE, Checkpoint
from zoo.checkpoints.hub.cache import Promise, offline
from zoo.checkpoints.hub.endpoint import shown
from zoo.checkpoints.hub.failures import explained, insist, token_source
from zoo.checkpoints.hub.guard import Call, asking
from zoo.checkpoints.hub.listing import tree
from zoo.checkpoints.hub.reference import Reference, is_revision
from zoo.checkpoints.onnx.file import WEIGHTS_FILE
from zoo.errors import AccessError, NetworkError, UnsafeFileError, UsageError

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")

logger = logging.getLogger("zoo.hub")

_SECRET = re.compile(
    r"\.env(\..*)?|\.netrc|\.git-credentials|id_(rsa|dsa|ecdsa|ed25519)"
    r"|.*\.(pem|key|p12|pfx)|(.*[._-])?token(\.txt)?"
)
_LINKED = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Options:
    """How to push: a private repository, a tag for the commit, its message, or a pull request instead of a commit."""

    private: bool = False
    tag: str | None = None
    message: str | None = None
    pull_request: bool = False


@dataclass(frozen=True)
class Pushed:
    """Where it went: the commit as a reference, and the page to look at."""

    reference: Reference
    page: str


def push(checkpoint: Checkpoint, reference: Reference, options: Options) -> Pushed:
    """Upload the files of a checkpoint as one commit, creating the repository if there is none.

    Raises UnsafeFileError (a card that is not complete, a file that looks like a secret), UsageError (a tag that
    exists), AccessError (no token, or one that may not write), NetworkError; the repository then is as it was before.
    """
    operations = files_to_push(checkpoint, reference)
    if options.tag is not None and not is_revision(options.tag):
        raise UsageError(f"{options.tag!r} is no name for a tag")
    if offline():
        raise NetworkError(f"{reference}: offline (HF_HUB_OFFLINE=1), so nothing can be pushed")
    _check_token(reference)
    head = _prepare(reference, options)
    commit, page = _commit(reference, operations, head, options, checkpoint.config.id)
    pushed = Pushed(reference.at(commit), page)
    if options.tag:
        tag = options.tag
        with _asking(reference), explained():
            HfApi().create_tag(reference.repository, tag=tag, revision=commit)
    return pushed


def files_to_push(checkpoint: Checkpoint, reference: Reference) -> list[CommitOperationAdd]:
    """The files of a checkpoint, its card, and the pictures that this shows. Raises UnsafeFileError."""
    folder, config = checkpoint.folder, checkpoint.config
    for name in sorted(path.name for path in folder.iterdir()):
        if _SECRET.fullmatch(name.lower()):
            raise UnsafeFileError(f"{folder / name} looks like a secret; move it out of the checkpoint's folder first")
    text = read_card(folder)
    wrong = faults(folder, config, checkpoint.name)
    if wrong:
        raise UnsafeFileError(
            f"{checkpoint.origin}: {wrong[0]}" + (f" (and {len(wrong) - 1} more)" if wrong[1:] else "")
        )
    contents: dict[str, bytes | Path] = {
        CONFIG_FILE: folder / CONFIG_FILE,
        WEIGHTS_FILE: checkpoint.weights,
        **checkpoint.graphs,
        **({EXPECTS_FILE: format_expects(checkpoint.expects)} if checkpoint.expects else {}),
        CARD: render(config, text, f"hub:{reference.repository}", checkpoint.expects).encode(),
        **_pictures(folder, text),
    }
    return [CommitOperationAdd(name, content) for name, content in contents.items()]


def _pictures(folder: Path, card: str) -> dict[str, Path]:
    """The pictures that the card shows and the folder holds."""
    shown = {match[1].removeprefix("./") for match in _LINKED.finditer(card)}
    paths = {name: folder / name for name in sorted(shown) if name.lower().endswith(PICTURES) and ":" not in name}
    for name in paths:
        if any(part.startswith(".") for part in name.split("/")):
            raise UnsafeFileError(f"{CARD} shows {name}, which is hidden and can't be pushed: name another file")
    inside = folder.resolve()
    return {name: path for name, path in paths.items() if path.is_file() and inside in path.resolve().parents}


def _check_token(reference: Reference) -> None:
    """Raise AccessError before a byte is sent, if there is no token or it may only read."""
    if not get_token():
        raise AccessError(f"{reference}: pushing needs a token: set HF_TOKEN to one that may write, or `hf auth login`")
    with _asking(reference), explained():
        who: dict[str, Any] = insist(lambda: HfApi().whoami())
        role = who["auth"]["accessToken"]["role"]
    if role == "read":
        raise AccessError(f"{reference}: the token in {token_source()} may only read; pushing needs one that may write")


def _prepare(reference: Reference, options: Options) -> str | None:
    """The commit that the repository stands at, created where there is none. Raises UsageError for a tag it has."""
    api = HfApi()
    with _asking(reference), explained():
        try:
            refs = insist(lambda: api.list_repo_refs(reference.repository))
        except RepositoryNotFoundError:
            insist(lambda: api.create_repo(reference.repository, private=options.private, exist_ok=True))
            refs = insist(lambda: api.list_repo_refs(reference.repository))
        if options.tag and options.tag in [tag.name for tag in refs.tags]:
            raise UsageError(f"{reference}: it has a tag {options.tag!r} already; name another one")
        heads = [str(branch.target_commit) for branch in refs.branches if branch.name == reference.revision]
    return heads[0] if heads else None


def _commit(
    reference: Reference, operations: Sequence[CommitOperationAdd], head: str | None, options: Options, name: str
) -> tuple[str, str]:
    """One commit on top of `head`; returns its hash and the page to look at."""
    message = options.message or f"Upload {name} with latent-zoo"
    with _asking(reference, threads=True), explained():
        try:
            done = HfApi().create_commit(
                reference.repository,
                operations,
                commit_message=message,
                parent_commit=head,
                create_pr=options.pull_request,
            )
        except HfHubHTTPError as error:
            status = error.response.status_code
            if status == 412:
                raise NetworkError(
                    f"{reference}: the repository changed meanwhile: run it again; nothing was overwritten"
                ) from error
            if status < 500 or "/commit/" not in str(error.response.request.url):
                raise
            return _landed(reference, operations, head, options, f"the Hub answers {status}")
        except httpx2.TransportError as error:
            return _landed(reference, operations, head, options, str(error) or type(error).__name__)
        return str(done.oid), str(done.pr_url or done.commit_url)


def _landed(
    reference: Reference, operations: Sequence[CommitOperationAdd], head: str | None, options: Options, why: str
) -> tuple[str, str]:
    """After a commit whose answer was lost: whether it is there all the same. Raises NetworkError if not."""
    if options.pull_request:
        raise NetworkError(f"{reference}: {why}; look at its discussions whether the pull request is there")
    now = _head(reference)
    if now is not None and now != head:
        there = tree(reference.at(now))
        if all(_is_there(operation, there.get(operation.path_in_repo)) for operation in operations):
            logger.warning("%s: %s, but the commit has landed", reference, why)
            return now, f"{shown(constants.ENDPOINT)}/{reference.repository}/commit/{now}"
    raise NetworkError(f"{reference}: {why}; the commit has not landed, the repository is as it was: run it again")


def _is_there(operation: CommitOperationAdd, promise: Promise | None) -> bool:
    info = operation.upload_info
    if promise is None or promise.size != info.size:
        return False
    return promise.algorithm != "sha256" or promise.digest == info.sha256.hex()


def _head(reference: Reference) -> str | None:
    with _asking(reference), explained():
        refs = insist(lambda: HfApi().list_repo_refs(reference.repository))
        return next((str(ref.target_commit) for ref in refs.branches if ref.name == reference.revision), None)


def _asking(reference: Reference, *, threads: bool = False) -> Any:
    """A call about this repository; uploading continues as long as something moves."""
    return asking(Call(str(reference), steady=threads), threads=threads)
