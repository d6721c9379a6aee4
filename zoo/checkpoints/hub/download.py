"""From a name on the Hub to a folder of verified files, with as few requests as can be: none for a known commit."""

from __future__ import annotations

import contextlib
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from zoo.catalog.expects import MAX_EXPECTS_BYTES
from zoo.catalog.spec import parse_config
from zoo.checkpoints.cards import CARD
from zoo.checkpoints.format import CONFIG_FILE, EXPECTS_FILE
from zoo.checkpoints.hub import cache
from zoo.checkpoints.hub.cache import Promise, Record
from zoo.checkpoints.hub.locking import locked, unwritable
from zoo.checkpoints.hub.reference import Reference
from zoo.checkpoints.hub.verify import digest_of, verified
from zoo.checkpoints.onnx.file import MAX_GRAPH_BYTES, WEIGHTS_FILE
from zoo.errors import AccessError, DiskError, IntegrityError, NetworkError

MAX_CARD_BYTES = 1024 * 1024

logger = logging.getLogger("zoo.hub")


@dataclass(frozen=True)
class Fetched:
    """A reference at its commit, the folder of its verified files, and what the Hub says config.json is."""

    reference: Reference
    folder: Path
    config: Promise

    def check_config(self, data: bytes) -> None:
        """Hold bytes that were read of config.json to the listing, and to the sha256 that came with the name.

        Raises IntegrityError. Everything else is held to the hashes that config.json gives.
        """
        found = digest_of(data, self.config.algorithm)
        if found != self.config.digest:
            raise IntegrityError(f"{self.reference}: config.json was changed meanwhile; `zoo cache verify` looks at it")
        asked, found = self.reference.config_sha256, digest_of(data, "sha256")
        if asked not in ("", found):
            raise IntegrityError(
                f"{self.reference}: config.json has sha256 {found[:12]}…, {asked[:12]}… was asked for: it is not the "
                "checkpoint that was meant"
            )


def fetch(reference: Reference) -> Fetched:
    """The verified files of a reference, downloaded where they are not here.

    Raises NotFoundError, AccessError, NetworkError, IntegrityError (bytes are not those promised, twice),
    UnsafeFileError (no checkpoint, or a hostile one) and DiskError. What is left in the cache is verified.
    """
    pinned = reference if reference.pinned else reference.at(_commit(reference))
    repository, commit = pinned.repository, pinned.revision
    record = cache.read_record(repository, commit)
    if record is None or not cache.whole(repository, commit, record):
        with locked(pinned):
            record = cache.read_record(repository, commit)  # another process may have done it meanwhile
            if record is None or not cache.whole(repository, commit, record):
                record = _complete(pinned, record)
    return Fetched(pinned, cache.snapshot(repository, commit), record.files[CONFIG_FILE])


def _commit(reference: Reference) -> str:
    """What a branch or tag means: the Hub knows, or the cache where the Hub can't be asked."""
    known = cache.read_ref(reference)
    record = cache.read_record(reference.repository, known) if known else None
    usable = known is not None and record is not None and not cache.missing(reference.repository, known, record)
    if cache.offline():
        if known is None:
            raise _absent(reference)
        return known
    from zoo.checkpoints.hub.listing import resolve

    try:
        commit = resolve(reference, tries=1 if usable else 3)
    except (NetworkError, AccessError) as error:
        if not usable or known is None:
            raise
        logger.warning("can't ask the Hub for updates (%s); the cached commit %s is used", error, known[:12])
        return known
    if commit != known:
        with contextlib.suppress(DiskError):  # of a cache that is read-only
            cache.write_ref(reference, commit)
    logger.info("%s is commit %s", reference, commit)
    return commit


def _absent(reference: Reference) -> NetworkError:
    return NetworkError(f"{reference}: not in the cache, and offline (HF_HUB_OFFLINE=1): `zoo pull` it once")


def _complete(reference: Reference, record: Record | None) -> Record:
    """Verify what is here, download what is not, remember the evaluations."""
    if record is None and cache.offline():
        raise _absent(reference)
    record = record or _listed(reference)
    if cache.offline() and (absent := cache.missing(reference.repository, reference.revision, record)):
        raise NetworkError(f"{reference}: not whole in the cache, and offline: {', '.join(absent)} missing")
    try:
        for path in cache.leftovers(reference.repository):  # of a process that was killed
            path.unlink(missing_ok=True)
        return _gathered(reference, record)
    except OSError as error:
        raise unwritable(reference, error) from error


def _listed(reference: Reference) -> Record:
    from zoo.checkpoints.hub.listing import refuse_large_config, refuse_wrong_files, tree

    files = tree(reference)
    refuse_wrong_files(reference, files)
    refuse_large_config(reference, files[CONFIG_FILE].size)
    return Record(files)


def _gathered(reference: Reference, record: Record) -> Record:
    """The record with every file of the checkpoint verified; config.json comes first and says which those are."""
    if not record.wanted:
        record = _with_file(reference, record, CONFIG_FILE)
        record = msgspec.structs.replace(record, wanted=_wanted(reference, record))
        _check_space(reference, record)
    for name in record.wanted:
        record = _with_file(reference, record, name)
    _check_again(reference, record)
    cache.write_record(reference.repository, reference.revision, record)
    return record


def _check_again(reference: Reference, record: Record) -> None:
    """Look at every file once more when all are here: what came later may have changed what came before."""
    for name in record.wanted:
        path = cache.snapshot(reference.repository, reference.revision) / name
        found, word = verified(path, record.files[name])
        if found is None:
            cache.discard(reference.repository, path)
            raise IntegrityError(f"{reference}: {name} was changed while other files came: {word}; not kept")


def _wanted(reference: Reference, record: Record) -> tuple[str, ...]:
    """The files that make the checkpoint, held to the sizes that config.json promises before they are downloaded."""
    folder = cache.snapshot(reference.repository, reference.revision)
    data = (folder / CONFIG_FILE).read_bytes()
    Fetched(reference, folder, record.files[CONFIG_FILE]).check_config(data)
    config = parse_config(data, f"{reference}: {CONFIG_FILE}")
    graphs = [spec.graph for spec in config.graph_specs().values()]
    limits = {WEIGHTS_FILE: config.weights.bytes, **dict.fromkeys(graphs, MAX_GRAPH_BYTES)}
    for name, limit in limits.items():
        if name not in record.files:
            raise IntegrityError(
                f"{reference}: config.json promises {name}, which is not there: the checkpoint is not whole"
            )
        if record.files[name].size > limit:
            raise IntegrityError(
                f"{reference}: {name} has {record.files[name].size} bytes; at most {limit} are promised"
            )
    optional = {CARD: MAX_CARD_BYTES, EXPECTS_FILE: MAX_EXPECTS_BYTES}
    others = [name for name, most in optional.items() if name in record.files and record.files[name].size <= most]
    return (CONFIG_FILE, WEIGHTS_FILE, *graphs, *others)


def _check_space(reference: Reference, record: Record) -> None:
    folder = cache.snapshot(reference.repository, reference.revision)
    needed = sum(record.files[name].size for name in record.wanted if cache.state(folder / name) is None)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DiskError(
            f"{reference}: the disk is too full: {needed} bytes are needed, {free} are free in {cache.root()}; "
            "`zoo cache clean`, or HF_HOME names another place"
        )


def _with_file(reference: Reference, record: Record, name: str) -> Record:
    """The record with this file here and verified; what does not agree is downloaded again, once."""
    path = cache.snapshot(reference.repository, reference.revision) / name
    here = cache.state(path) is not None
    found, word = verified(path, record.files[name])
    for again in (False, True):
        if found is not None:
            break
        if here or again:
            _heal(reference, path, name, word)
        _download(reference, name, record.files[name])
        here, (found, word) = True, verified(path, record.files[name])
    if found is None:
        cache.discard(reference.repository, path)
        raise IntegrityError(
            f"{reference}: {name} is damaged on the Hub or on its way: {word}; fetched twice, not kept"
        )
    return msgspec.structs.replace(record, files={**record.files, name: found})


def _heal(reference: Reference, path: Path, name: str, word: str) -> None:
    """Delete a file that is not what it should be, if another can be had. Raises IntegrityError."""
    if not cache.discard(reference.repository, path):
        raise IntegrityError(
            f"{reference}: cached file damaged: {path}: {word}; it can't be deleted, or leads out of the cache: look "
            "at it yourself"
        )
    if cache.offline():
        raise IntegrityError(
            f"{reference}: cached file damaged: {name}: {word}; deleted; go online and `zoo pull` it again"
        )
    logger.warning("%s: %s is damaged (%s); downloading it again", reference, name, word)


def _download(reference: Reference, name: str, promise: Promise) -> None:
    from huggingface_hub import hf_hub_download

    from zoo.checkpoints.hub.failures import explained, insist
    from zoo.checkpoints.hub.guard import Call, asking

    call = Call(
        f"{reference}: {name}", steady=True, limit=promise.size, digest=promise.digest, commit=reference.revision
    )
    with asking(call), explained():
        with locked(reference, promise.digest):  # the client's own lock, for which it would wait without end
            pass
        insist(lambda: hf_hub_download(reference.repository, name, revision=reference.revision))
