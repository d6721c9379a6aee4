"""Pictures with names and labels, from wherever they lie: numpy out, no PyTorch."""

from zoo.datasets.labels import read_labels
from zoo.datasets.source import Changed, Source, data_home, open_source

__all__ = ["Changed", "Source", "data_home", "open_source", "read_labels"]
