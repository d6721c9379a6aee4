"""Eyes, lashes, and what is inside the mouth."""

from __future__ import annotations

import numpy as np

from faces.attributes import EYE_COLORS, Attributes, Streams
from faces.fields import mix, ramp
from faces.surface import Surface
from faces.triangles import Floats
from faces.wheel import EYE_LEFT, EYE_RIGHT, LASHES, TEETH_LOWER, TEETH_UPPER, TONGUE


def paint_eyes(
    color: Floats, surface: Surface, eyes: tuple[Floats, Floats], attributes: Attributes, streams: Streams
) -> Floats:
    """Colours (P, 3) with both eyes, which look roughly at the viewer."""
    draw = streams("gaze")
    x = draw.normal(0, 0.10) - 0.55 * attributes.yaw
    y = draw.normal(0, 0.05) - 0.4 * attributes.pitch
    gaze = np.array([np.clip(x, -0.4, 0.4), np.clip(y, -0.2, 0.2), 1.0])
    gaze /= np.linalg.norm(gaze)
    iris = np.array(EYE_COLORS[attributes.eye_color])
    for middle, part in zip(eyes, (EYE_LEFT, EYE_RIGHT), strict=True):
        outward = surface.position - middle
        outward /= np.linalg.norm(outward, axis=1, keepdims=True) + 1e-9
        angle = np.arccos(np.clip(outward @ gaze, -1, 1))
        eye = mix(np.repeat(np.array([[0.97, 0.95, 0.93]]), len(surface), 0), iris * 1.3, ramp(angle, 0.49, 0.43))
        eye = mix(eye, iris * 0.7, ramp(angle, 0.37, 0.43) * ramp(angle, 0.50, 0.44))
        eye = mix(eye, np.array([0.02, 0.02, 0.02]), ramp(angle, 0.20, 0.15))
        eye *= (1 - 0.35 * ramp(outward[:, 1], 0.2, 0.7))[:, None]  # shadow of the lid
        color = np.where(surface.of(part)[:, None], eye, color)
    return color


def paint_mouth_and_lashes(color: Floats, surface: Surface, male: int, skin: Floats) -> Floats:
    """Colours (P, 3) with teeth, tongue and lashes."""
    color = np.where(surface.of(TEETH_UPPER, TEETH_LOWER)[:, None], [0.92, 0.90, 0.84], color)
    color = np.where(surface.of(TONGUE)[:, None], [0.66, 0.30, 0.30], color)
    return np.where(surface.of(LASHES)[:, None], skin * (0.30 if male else 0.12), color)
