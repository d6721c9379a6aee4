"""Asking the Hub what a revision means and what is in it; nothing it answers is taken on trust."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable
from typing import Any

import msgspec
from huggingface_hub import HfApi
from huggingface_hub.errors import RevisionNotFoundError

from zoo.catalog.spec import MAX_CONFIG_BYTES
from zoo.checkpoints.format import CONFIG_FILE, refuse_other_weights
from zoo.checkpoints.hub.cache import Promise
from zoo.checkpoints.hub.failures import explained, insist
from zoo.checkpoints.hub.guard import Call, asking
from zoo.checkpoints.hub.reference import Reference, is_commit, is_file_name
from zoo.checkpoints.onnx.file import WEIGHTS_FILE
from zoo.errors import IntegrityError, NetworkError, NotFoundError, UnsafeFileError, ZooError

MAX_FILES = 10_000
CLOSE_NAMES = 5

logger = logging.getLogger("zoo.hub")


def resolve(reference: Reference, tries: int) -> str:
    """The commit that a revision means now. Raises NotFoundError, AccessError, NetworkError and IntegrityError."""
    with asking(Call(str(reference), tries=tries)), explained():
        try:
            info = insist(lambda: HfApi().model_info(reference.repository, revision=reference.revision))
        except RevisionNotFoundError as error:
            close = _close_refs(reference)
            hint = f"; there is {', '.join(close)}" if close else ""
            raise NotFoundError(f"{reference}: it has no revision {reference.revision!r}{hint}") from error
        if info.sha is None:
            raise NetworkError(f"{reference}: the Hub does not say which commit that is; check HF_ENDPOINT")
        if not is_commit(info.sha):
            raise IntegrityError(f"{reference}: unsafe answer: the commit {str(info.sha)[:60]!r} is no hash")
        return str(info.sha)


def tree(reference: Reference) -> dict[str, Promise]:
    """Every file of a commit with its size and hash.

    Raises UnsafeFileError if one has a name that could lead out of its folder, and as `resolve` does.
    """
    with asking(Call(str(reference))), explained():
        return insist(lambda: _promises(reference))


def refuse_wrong_files(reference: Reference, files: Iterable[str]) -> None:
    """Raise UnsafeFileError for shards and for pickles in place of weights, NotFoundError for no checkpoint at all."""
    names = sorted(files)
    refuse_other_weights(names, str(reference), "if you trust it, download it yourself and `zoo import` it")
    absent = [name for name in (CONFIG_FILE, WEIGHTS_FILE) if name not in names]
    if absent:
        there = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        raise NotFoundError(f"{reference}: no checkpoint of the zoo: it has no {absent[0]}, only {there or 'nothing'}")
    if any(name.endswith(".py") for name in names):
        logger.info("%s holds Python files; they are not fetched, the zoo runs no code of a model's", reference)


def refuse_large_config(reference: Reference, size: int) -> None:
    """Raise UnsafeFileError for a config.json that nobody needs to download to know that it is none."""
    if size > MAX_CONFIG_BYTES:
        raise UnsafeFileError(f"{reference}: its config.json has {size} bytes; at most {MAX_CONFIG_BYTES} are read")


def _promises(reference: Reference) -> dict[str, Promise]:
    promises = {}
    for count, entry in enumerate(HfApi().list_repo_tree(reference.repository, revision=reference.revision)):
        if count >= MAX_FILES:
            raise UnsafeFileError(f"{reference}: it lists more than {MAX_FILES} files")
        if not is_file_name(entry.path):
            name = str(entry.path)[:60]
            raise UnsafeFileError(f"{reference}: unsafe file name {name!r} in its listing; nothing is fetched")
        if hasattr(entry, "blob_id"):
            promises[entry.path] = _promise(reference, entry)
    return promises


def _promise(reference: Reference, entry: Any) -> Promise:
    large = entry.lfs is not None
    facts = {
        "size": entry.lfs.size if large else entry.size,
        "algorithm": "sha256" if large else "git-sha1",
        "digest": entry.lfs.sha256 if large else entry.blob_id,
    }
    try:
        return msgspec.convert(facts, Promise)
    except msgspec.ValidationError as error:
        raise IntegrityError(f"{reference}: unsafe answer: {entry.path} is listed without size and hash") from error


def _close_refs(reference: Reference) -> list[str]:
    """Names of branches and tags, those like the one asked for first."""
    try:
        refs = HfApi().list_repo_refs(reference.repository)
        names = [ref.name for ref in (*refs.branches, *refs.tags)]
    except (ZooError, OSError, KeyError, TypeError, ValueError, AttributeError):  # a hint is worth no error
        return []
    close = difflib.get_close_matches(reference.revision, names, n=CLOSE_NAMES, cutoff=0.4)
    return close or names[:CLOSE_NAMES]
