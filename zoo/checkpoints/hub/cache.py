"""What of the Hub lies on this disk: the standard cache of `huggingface_hub`, and the zoo's evaluations beside it.

For each commit the zoo has verified, `models--ORG--NAME/zoo/COMMIT.json` holds the size and hash of every file as the
Hub lists them, and for each file that was found to agree its inode, size and time of change. While those three stay,
the file is not hashed again.
"""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from zoo.checkpoints.format import CONFIG_FILE
from zoo.checkpoints.hub.reference import Reference, is_commit, is_file_name, is_repository, is_revision
from zoo.errors import DiskError, NotFoundError, ZooError
from zoo.files import make_folder, read_regular, write_whole

MAX_RECORD_BYTES = 16 * 1024 * 1024

Seen = tuple[int, int, int]
Size = Annotated[int, Meta(ge=0, le=10**13)]
Digest = Annotated[str, Meta(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})\Z")]


class Promise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the Hub says a file is: its size and hash. `seen` is the state of the file that was found to agree."""

    size: Size
    algorithm: Literal["sha256", "git-sha1"]
    digest: Digest
    seen: Seen | None = None


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One commit: its files as the Hub lists them, those of the checkpoint, and whether a person was told of it."""

    files: dict[str, Promise]
    wanted: tuple[str, ...] = ()
    introduced: bool = False

    def __post_init__(self) -> None:
        """Names lead to files below the snapshot's folder and nowhere else. Raises ValueError."""
        if not all(map(is_file_name, self.files)) or not self.files.keys() >= set(self.wanted):
            raise ValueError("it names other files than those of its repository")
        if CONFIG_FILE not in self.files:
            raise ValueError(f"it lacks {CONFIG_FILE}")


def root() -> Path:
    """The folder of the standard cache, as HF_HUB_CACHE, HF_HOME or the default say."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser()


def offline() -> bool:
    """Whether HF_HUB_OFFLINE (or its older name) forbids requests."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def storage(repository: str) -> Path:
    """The folder of one repository in the cache."""
    return root() / f"models--{repository.replace('/', '--')}"


def snapshot(repository: str, commit: str) -> Path:
    """The folder in which the files of a commit lie under their names."""
    return storage(repository) / "snapshots" / commit


def locks(repository: str) -> Path:
    """The folder of the locks on a repository's files, which every program with this cache heeds."""
    return root() / ".locks" / storage(repository).name


def state(path: Path) -> Seen | None:
    """Inode, size and time of a regular file's content, through links; None if there is no such file."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DiskError(f"can't read {path}: {error.strerror or error}") from error
    return (found.st_ino, found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def read_record(repository: str, commit: str) -> Record | None:
    """What is known of a commit; None if nothing, or nothing that could have been written here."""
    try:
        return msgspec.json.decode(_read(_record_path(repository, commit), MAX_RECORD_BYTES), type=Record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def write_record(repository: str, commit: str, record: Record) -> None:
    """Remember a commit. Raises DiskError where the cache can't be written."""
    _write(_record_path(repository, commit), msgspec.json.format(msgspec.json.encode(record), indent=1))


def read_ref(reference: Reference) -> str | None:
    """The commit that a branch or tag meant when it was last looked up."""
    data = _read(storage(reference.repository) / "refs" / reference.revision, 100)
    commit = data.decode("ascii", "replace").strip()
    return commit if is_commit(commit) else None


def write_ref(reference: Reference, commit: str) -> None:
    """Remember what a branch or tag means, where `huggingface_hub` does. Raises DiskError."""
    _write(storage(reference.repository) / "refs" / reference.revision, commit.encode())


def refs_of(repository: str, commit: str) -> list[str]:
    """The branches and tags that meant this commit when they were last looked up."""
    folder = storage(repository) / "refs"
    names = (str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file())
    return [name for name in names if is_revision(name) and read_ref(Reference(repository, name)) == commit]


def whole(repository: str, commit: str, record: Record) -> bool:
    """Whether every file of the checkpoint is here, unchanged since it was verified."""
    folder = snapshot(repository, commit)
    return bool(record.wanted) and all(
        record.files[name].seen is not None and record.files[name].seen == state(folder / name)
        for name in record.wanted
    )


def missing(repository: str, commit: str, record: Record) -> list[str]:
    """Files of the checkpoint that are not here."""
    folder = snapshot(repository, commit)
    return [name for name in record.wanted if state(folder / name) is None]


def recorded() -> Iterator[tuple[str, str, Record | None]]:
    """Repository, commit and record of every checkpoint the zoo has fetched; None for a record that makes no sense."""
    for path in sorted(root().glob("models--*--*/zoo/*.json")):
        repository = path.parent.parent.name.removeprefix("models--").replace("--", "/")
        if is_repository(repository) and is_commit(path.stem):
            yield repository, path.stem, read_record(repository, path.stem)


def discard(repository: str, path: Path) -> bool:
    """Delete a file of a repository: the link and what it leads to. What lies outside of its folder is left alone.

    Returns whether it is gone.
    """
    home = storage(repository).resolve()
    blob = path.resolve()
    if home not in path.parent.resolve().parents:
        return False
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        if blob.parent == home / "blobs":
            blob.unlink(missing_ok=True)
    return not path.exists()


def forget(repository: str, commit: str) -> bool:
    """Delete the record of a commit; returns whether it is gone."""
    return discard(repository, _record_path(repository, commit))


def leftovers(repository: str = "") -> list[Path]:
    """Halves of files that killed downloads left behind, of one repository or of all.

    Those that a living process is writing are not among them.
    """
    from filelock import FileLock, Timeout

    found = []
    folders = [storage(repository)] if repository else sorted(root().glob("models--*"))
    for folder in folders:
        found += sorted(folder.glob("*/.zoo-*.tmp"))  # written in an instant, so whoever wrote it is gone
        for path in sorted(folder.glob("blobs/*.incomplete")):
            lock = root() / ".locks" / folder.name / f"{path.name.split('.')[0]}.lock"
            if not lock.exists():
                found.append(path)
                continue
            try:
                with FileLock(lock, timeout=0):
                    found.append(path)
            except (Timeout, OSError, NotImplementedError):  # held, or where that can't be known
                continue
    return found


def remove(repository: str) -> int:
    """Delete a repository from the cache; returns how many bytes that frees. Raises NotFoundError and DiskError."""
    import shutil

    folder = storage(repository)
    if not folder.is_dir():
        raise NotFoundError(f"hub:{repository} is not in the cache; `zoo cache list` shows what is")
    size = disk_usage(folder)
    try:
        shutil.rmtree(folder)
        shutil.rmtree(locks(repository), ignore_errors=True)
    except OSError as error:
        raise DiskError(f"can't delete {folder}: {error.strerror or error}") from error
    return size


def disk_usage(folder: Path) -> int:
    """Bytes of the files below a folder, links not followed."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # another process has moved it meanwhile
            found = path.lstat()
            total += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return total


def _record_path(repository: str, commit: str) -> Path:
    return storage(repository) / "zoo" / f"{commit}.json"


def _read(path: Path, most: int) -> bytes:
    """A small file; nothing where it is not there, is something else, or can't be read."""
    with contextlib.suppress(ZooError):
        return read_regular(path, most, str(path)) or b""
    return b""


def _write(path: Path, data: bytes) -> None:
    make_folder(path.parent)
    write_whole(path, data, force=True)
