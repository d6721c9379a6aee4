"""Pictures with names and labels, from wherever they lie: numpy out, no PyTorch."""

from zoo.datasets.labels import read_labels
from zoo.datasets.source import KINDS, Changed, Source, data_home, open_source

__all__ = ["KINDS", "Changed", "Source", "data_home", "open_source", "read_labels"]
