"""What a face is like: its attributes, each drawn from a random stream of its own."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

HAIR_COLORS = {
    "black": (20, 16, 14),
    "dark_brown": (48, 30, 20),
    "brown": (92, 58, 32),
    "light_brown": (140, 95, 50),
    "blond": (208, 168, 100),
    "red": (150, 62, 28),
    "gray": (165, 163, 160),
}
EYE_COLORS = {
    "brown": (0.22, 0.13, 0.07),
    "hazel": (0.38, 0.26, 0.12),
    "blue": (0.28, 0.42, 0.60),
    "green": (0.30, 0.43, 0.28),
}
BEARDS = ("full", "goatee", "moustache", "stubble")
CLOTHES = ("crew", "v_neck", "high_neck", "shirt")
RIMS = ("round", "square", "wide")


@dataclass(frozen=True)
class Streams:
    """The random generators of one face, one for each factor."""

    seed: int
    index: int

    def __call__(self, factor: str) -> np.random.Generator:
        """A new generator at the beginning of the factor's stream."""
        return np.random.default_rng([self.seed, self.index, zlib.crc32(factor.encode())])

    def chance(self, factor: str) -> float:
        """The first number of the stream, uniform in [0, 1)."""
        return self(factor).random()


@dataclass(frozen=True)
class Attributes:
    """The columns of `attributes.csv` after file, zip and split, in their order.

    Some floats are NumPy's: they are drawn so, and the precision of what is computed from them depends on it.
    """

    male: int
    age: float  # 0.1 child, 0.25 young adult, 0.5 adult, 1 old
    african: float  # these three mix the base shapes and add up to 1
    asian: float
    caucasian: float
    skin_tone: float  # 0 light to 1 dark
    weight: float  # 0 thin to 1 heavy
    smile: float  # 0 to 1
    mouth_open: float  # 0 to 0.7
    eyes_closed: int
    glasses: int
    glasses_shape: str
    long_hair: int
    hair_length: float  # 0 to 1 within the long or the short style
    fringe: int
    bald: int
    beard: int
    beard_style: str
    lipstick: int
    hair_color: str
    eye_color: str
    clothes: str
    yaw: float  # radians; positive turns the face to the right of the picture
    pitch: float


def sample(seed: int, index: int) -> Attributes:
    """Draw one face's attributes."""
    streams = Streams(seed, index)
    male = int(streams.chance("male") < 0.5)
    age = _age(streams)
    mixture = streams("race").dirichlet([0.45] * 3)
    african, asian, caucasian = (float(part) for part in mixture)
    tone = mixture @ np.array([4.7, 1.5, 0.9]) + streams("tone").normal(0, 0.45)
    bald = int(male and age > 0.3 and streams.chance("bald") < 0.15)
    return Attributes(
        male=male,
        age=age,
        african=african,
        asian=asian,
        caucasian=caucasian,
        skin_tone=float(np.clip(tone, 0, 6)) / 6,
        weight=float(streams("weight").beta(2.5, 2.5)),
        smile=max(0.0, 1.6 * streams.chance("smile") - 0.6),
        mouth_open=_mouth_open(streams),
        eyes_closed=int(streams.chance("eyes_closed") < 0.06),
        glasses=int(streams.chance("glasses") < 0.27),
        glasses_shape=RIMS[streams("rim").integers(3)],
        long_hair=int(not bald and streams.chance("long_hair") < (0.12 if male else 0.75)),
        hair_length=float(streams.chance("hair_length")),
        fringe=int(not bald and streams.chance("fringe") < (0.2 if male else 0.35)),
        bald=bald,
        beard=int(male and age > 0.28 and streams.chance("beard") < 0.4),
        beard_style=BEARDS[streams("beard_style").choice(4, p=[0.4, 0.2, 0.2, 0.2])],
        lipstick=int(not male and age > 0.2 and streams.chance("lipstick") < 0.45),
        hair_color=_hair_color(streams, age, caucasian),
        eye_color=_eye_color(streams, caucasian),
        clothes=CLOTHES[streams("clothes").integers(4)],
        yaw=float(np.clip(streams("yaw").normal(0, 0.26), -0.75, 0.75)),
        pitch=float(np.clip(streams("pitch").normal(0, 0.09), -0.25, 0.25)),
    )


def _age(streams: Streams) -> float:
    kind, amount = streams("age").random(2)
    age: np.float64 = 0.1 + 0.9 * amount if kind < 0.4 else 0.25 + 0.4 * amount
    return age


def _mouth_open(streams: Streams) -> float:
    kind, amount = streams("mouth_open").random(2)
    opened: np.float64 = amount * 0.7
    return opened if kind < 0.35 else 0.0


def _hair_color(streams: Streams, age: float, caucasian: float) -> str:
    light = [0.20, 0.20, 0.20, 0.13, 0.15, 0.08, 0.04]
    dark = [0.66, 0.22, 0.07, 0.01, 0.01, 0.01, 0.02]
    drawn = streams("hair_color").choice(7, p=light if caucasian > 0.45 else dark)
    gray = streams.chance("gray") < max(0, age - 0.6) * 2.2
    return "gray" if gray else list(HAIR_COLORS)[drawn]


def _eye_color(streams: Streams, caucasian: float) -> str:
    probabilities = [0.4, 0.2, 0.25, 0.15] if caucasian > 0.45 else [0.85, 0.13, 0.01, 0.01]
    return list(EYE_COLORS)[streams("eye_color").choice(4, p=probabilities)]
