"""What tests of the command line share: a command's result, and pictures to give it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

VERBS = (
    "run", "watch", "list", "info", "plugins", "encode", "decode", "generate", "interpolate", "vary", "add",
    "attribute", "map", "ui", "serve", "web", "train", "eval", "card", "check", "import", "new", "pull", "push",
    "search", "cache",
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        """Standard output as lines, of a command that went well and said nothing else."""
        assert (self.code, self.err) == (0, "")
        return self.out.decode().splitlines()

    def error(self, code: int) -> str:
        """The one line on standard error of a command that ended with this code and gave nothing."""
        assert self.code == code, self.err
        assert self.out == b""
        assert self.err.startswith("error: ")
        assert self.err.count("\n") == 1
        assert self.err.endswith("\n")
        return self.err.removeprefix("error: ").removesuffix("\n")


Zoo = Callable[..., Result]


def draw(*names: str, size: tuple[int, int] = (8, 6)) -> None:
    """Draw a picture under each name."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.radial_gradient("L").resize(size).convert("RGB").save(name)


def files() -> list[str]:
    """Every file below the working folder."""
    return sorted(str(path) for path in Path().rglob("*") if not path.is_dir())
