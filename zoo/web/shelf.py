"""The models that a server offers: all that are installed, and one that was named; few of them open at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from zoo.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from zoo.catalog.registry import Registry
    from zoo.catalog.spec import CheckpointConfig
    from zoo.inference.directions import Directions
    from zoo.inference.model import Model
    from zoo.web.space import Points, Space

OPEN_AT_ONCE = 4


@dataclass(frozen=True)
class Entry:
    """A model that can be opened: `name` is what `zoo.load` and commands call it, `folder` where its files lie."""

    config: CheckpointConfig
    name: str
    folder: Path

    @property
    def id(self) -> str:
        """The model's id, by which requests name it."""
        return self.config.id


@dataclass
class Data:
    """Pictures to show on a model's map: a source of `zoo.datasets` and its split."""

    source: str
    split: str = "test"
    limit: int = 1500


@dataclass
class Shelf:
    """Entries by id, and the open models, those used last.

    Names from requests are looked up among the installed models and those of `named` only, so that no request opens a
    path or downloads anything. `threads` is how many each run takes. `directions` are learned attributes, each for the
    model whose latents it fits.
    """

    registry: Registry
    named: Sequence[str] = ()
    directions: Sequence[Directions] = ()
    data: Data | None = None
    threads: int = 1
    _open: OrderedDict[str, Model] = field(default_factory=OrderedDict)
    _spaces: dict[str, Space] = field(default_factory=dict)
    _points: dict[str, Points] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """Find every entry. Raises as `zoo.load` does for a model that is named and not there."""
        from zoo.checkpoints.sources import folder_of, open_source

        self.entries: dict[str, Entry] = {}
        for spec in self.registry.find():
            folder = folder_of(spec.source)
            if folder:
                self.entries[spec.id] = Entry(spec.config, spec.id, folder)
        ids = []
        for name in self.named:
            if ":" in name:
                checkpoint = open_source(name)
                self.entries[checkpoint.config.id] = Entry(checkpoint.config, name, checkpoint.folder)
                ids.append(checkpoint.config.id)
            else:
                ids.append(self.find(name).id)
        self.ids = tuple(dict.fromkeys(ids))
        self.first = ids[0] if ids else ""

    def find(self, name: str) -> Entry:
        """The entry of an id, family or task. Raises NotFoundError, UsageError for a task that leaves a choice."""
        if name in self.entries:
            return self.entries[name]
        if ":" in name:
            raise NotFoundError(f"this server has no model {name!r}: name it when the server is started")
        found = self.registry.resolve(name).id
        if found not in self.entries:
            raise UsageError(f"{found} is not on this machine yet: zoo pull, then start the server again")
        return self.entries[found]

    def open(self, name: str) -> Model:
        """The model, opened if it is not open yet; the one that was not used for longest is closed for it."""
        from zoo.loading import load

        entry = self.find(name)
        with self._lock:
            model = self._open.pop(entry.id, None)
            if model is None:
                model = load(entry.name, backend="onnx", registry=self.registry)
                model.backend.limit_threads(self.threads)
            self._open[entry.id] = model
            while len(self._open) > OPEN_AT_ONCE:
                self._open.popitem(last=False)
            return model

    def space(self, name: str) -> Space:
        """The directions to move along in a model's latent space; computed once."""
        from zoo.web.space import explored

        model = self.open(name)
        if model.id not in self._spaces:
            self._spaces[model.id] = explored(model, self.directions)
        return self._spaces[model.id]

    def points(self, name: str) -> Points:
        """What is shown on the map of a model's latent space; computed once."""
        from zoo.web.space import placed

        model = self.open(name)
        if model.id not in self._points:
            self._points[model.id] = placed(model, self.space(name), self.data)
        return self._points[model.id]

    def tasks(self) -> Mapping[str, str]:
        """Each task and the id of the model that does it by default, where there is one."""
        found = {}
        for task, models in self.registry.tasks().items():
            default = next((model.id for model in models if task in model.config.default_for), None)
            if default or len(models) == 1:
                found[task] = default or models[0].id
        return found
