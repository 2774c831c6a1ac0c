"""AVHScore and JavisScore: does every frame fit the sound? By ImageBind, frame by frame.

Every decoded frame goes through the largest of ImageBind's networks, 1 to 3 s of CPU each; use a GPU. Weights for
non-commercial use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from avbench.answers import ALL, TEXT, Answers, Fault
from avbench.errors import NotApplicable
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score, Status
from avbench.weights import backend

from ._backbones.imagebind_tower import (
    Embedding,
    ImageBindAudio,
    ImageBindFrames,
    ImageBindWindows,
    cosine,
    windows,
)

LOWEST = 0.4  # share of a window's frames that count: those that fit the sound worst
LICENCE = "ImageBind; weights CC-BY-NC-SA-4.0"


class JavisScore(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "avh_score",
            unit="1",
            direction=Direction.UP,
            low=-1.0,
            high=1.0,
            summary="mean cosine of every frame and the whole sound",
            source=f"TAVGBench (Mao et al. 2024) as in JavisBench; {LICENCE}",
        ),
        Column(
            "javis_score",
            unit="1",
            direction=Direction.UP,
            low=-1.0,
            high=1.0,
            summary="in each window of 2 s the mean cosine of the 40 % of frames that fit its sound worst; their mean",
            source=f"JavisBench (Liu et al. 2025); {LICENCE}",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(worse=(Fault.SWAP_AUDIO,), ignores=TEXT)}
    needs = (ImageBindFrames(), ImageBindAudio(), ImageBindWindows())
    backend: ClassVar[str] = backend("imagebind_huge")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        frames, sound, heard = (features[ImageBindFrames()], features[ImageBindAudio()], features[ImageBindWindows()])
        video = features.info.video
        answer: dict[str, float | Score] = {"avh_score": float(cosine(frames, sound).mean())}
        try:
            fps = float(video.fps) if video and video.fps else 25.0
            answer["javis_score"] = javis_score(frames, sound, heard, fps)
        except NotApplicable as error:
            answer["javis_score"] = Score("javis_score", self.backend, None, Status.NOT_APPLICABLE, str(error))
        return answer


def javis_score(frames: Embedding, sound: Embedding, heard: Embedding, fps: float) -> float:
    """Frames (T, D) at `fps`, the whole sound (D,) and its windows (W, D) to JavisScore.

    Where picture or sound fill one window only, all frames meet the whole sound. Raises NotApplicable under 3 frames.
    """
    size, starts = windows(len(frames), fps)
    if len(starts) == 1 or len(heard) == 1:
        size, starts, heard = len(frames), [0], sound[None]
    lowest = int(LOWEST * size)
    if lowest == 0:
        raise NotApplicable(f"too_short: {size} frames a window, at least 3 needed")
    worst = [
        np.sort(cosine(frames[start : start + size], window))[:lowest].mean()
        for start, window in zip(starts, heard, strict=False)  # both lists end with the shorter one
    ]
    return float(np.mean(worst))
