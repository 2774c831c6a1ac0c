"""Is the subject that of the reference image, and does it stay? VBench-I2V's dimension: DINO's class tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.answers import ALL, SOUND, TEXT, Answers
from avbench.errors import NotApplicable
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score
from avbench.weights import backend

from ._backbones.towers import DinoSquares, dino_picture
from ._cosines import cosines


class I2vSubject(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "i2v_subject",
            unit="1",
            direction=Direction.UP,
            low=0.0,
            high=1.0,
            summary="0.4 times the best cosine of a frame with the reference image, 0.3 times the mean and 0.3 times "
            "the least of those with the frame before; of the middle of frames; needs 2 frames. The image is taken as "
            "it is, where VBench has crops of its own images",
            source="VBench-I2V i2v_subject (Vchitect/VBench 45e79ec); DINO ViT-B/16; weights Apache-2.0",
            decimals=4,
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "2 frames"
    needs = (DinoSquares(),)
    backend: ClassVar[str] = backend("dino_vitb16")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        if clip.prompt.reference_image is None:
            raise NotApplicable("the prompt has no reference image")
        return {"i2v_subject": subject(features[DinoSquares()], dino_picture(clip.prompt.reference_image))}


def subject(frames: NDArray[np.float32], picture: NDArray[np.float32]) -> float:
    """VBench-I2V's score of embeddings (T, D) of frames and (D,) of the reference image; cosines below 0 count as 0."""
    if len(frames) < 2:
        raise NotApplicable("too few frames: 1, at least 2 needed")
    like = cosines(frames, picture[None]).clip(min=0)
    following = cosines(frames[1:], frames[:-1]).clip(min=0)
    return float(0.4 * like.max() + 0.3 * following.mean() + 0.3 * following.min())
