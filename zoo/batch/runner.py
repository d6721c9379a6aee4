"""A model's job on the bytes of one picture."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from zoo.errors import UsageError
from zoo.jobs.answers import Made, Options, make
from zoo.loading import load
from zoo.pictures.images import DEFAULT_MAX_PIXELS, writable_format

if TYPE_CHECKING:
    from zoo.inference.model import Model


class Runner:
    """What `zoo run` does with a picture, as a function of its file's bytes: `Runner("colorize")(data)`.

    The answer is the bytes of a file, equal to what `zoo run` writes: size, colour profile, EXIF, density, transparency
    and 16 bits are kept as there. A runner is pickled by the model's name and opens the model when it is first used, in
    each process once; threads may share it.

    `format` is that of the answers ("jpeg", "png"); None is the picture's own if that holds colours well, else PNG.
    `strength`, `quality`, `side_by_side`, `from_photo` and `max_pixels` are those of `zoo run`, `conditions` what its
    `--set` says. `threads` bounds those of one call, where many run at once; 0 leaves it to the runtime.

    Raises UsageError for a format that can't be written. An unknown model is found out at the first call.
    """

    def __init__(
        self,
        model: str,
        *,
        format: str | None = None,  # noqa: A002 (the word Pillow and everybody else uses)
        strength: float = 1.0,
        quality: int = 95,
        side_by_side: bool = False,
        from_photo: bool = False,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        conditions: Mapping[str, Any] | None = None,
        backend: Literal["auto", "onnx", "torch"] = "auto",
        device: str = "auto",
        threads: int = 0,
    ) -> None:
        if not 1 <= quality <= 100:
            raise UsageError(f"quality is 1 to 100, not {quality}")
        self.model_name = model
        self.format = format
        self.options = Options(
            side_by_side=side_by_side,
            from_photo=from_photo,
            max_pixels=max_pixels,
            quality=quality,
            strength=strength,
        )
        self._kind = _kind(format)
        self._conditions = dict(conditions or {})
        self._opened_by: dict[str, Any] = {"backend": backend, "device": device}
        self._threads = threads
        self._model: Model | None = None
        self._lock = Lock()

    def __call__(self, data: bytes, name: str = "the picture") -> bytes:
        """The answer to the picture of a file's bytes, as a file's bytes; `name` is what messages call it.

        Raises UnsafeFileError for bytes that are no picture, or too large a one, UsageError for what the model can't
        do, and what `zoo.load` raises at the first call.
        """
        return self.make(data, name).data

    def make(self, data: bytes, name: str = "the picture", format: str | None = None) -> Made:  # noqa: A002
        """As a call, with notes about the input; `format` is another than the runner's."""
        kind = _kind(format) if format else self._kind
        return make(self.model, data, kind, self.options, name=name)

    @property
    def model(self) -> Model:
        """The open model."""
        with self._lock:
            if self._model is None:
                self._model = self._open()
            return self._model

    def _open(self) -> Model:
        model = load(self.model_name, **self._opened_by)
        model.require("translate")
        model = model.with_conditions(**self._conditions)
        if self.options.strength != 1:
            model.require_strength(self.options.strength)
        if self.options.from_photo and not model.interface.fit("translate").of_drawings:
            raise UsageError(f"from_photo is for models that are given drawings; {model.id} is given pictures")
        if self._threads:
            model.backend.limit_threads(self._threads)
        return model

    def __getstate__(self) -> dict[str, Any]:
        """All but the open model."""
        return {name: value for name, value in vars(self).items() if name not in ("_model", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A runner that has opened nothing."""
        vars(self).update(state, _model=None, _lock=Lock())


def _kind(name: str | None) -> str | None:
    return writable_format(f".{name.removeprefix('.').lower()}") if name else None
