"""Cosines between a clip's picture, its sound and its prompt, in whichever space embeds all three."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored
from avbench.parts import AudioBackbone, Features, Metric, VideoBackbone
from avbench.records import Clip, Column, Direction, Score, Status

from ._backbones.embedding import Embedding, cosine, windows

LOWEST = 0.4  # share of a window's frames that count: those that fit the sound worst


class Agreement(Metric):
    """`ib_av`, `ib_ta` and `ib_tv` in one space: the embeddings of video and sound, and `reading` of a text."""

    video: ClassVar[VideoBackbone[Embedding]]
    audio: ClassVar[AudioBackbone[Embedding]]

    @classmethod
    def reading(cls, text: str) -> Embedding:
        """The embedding of a text."""
        raise NotImplementedError

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        prompt = clip.prompt

        def seen() -> Embedding:
            return features[self.video]

        def heard() -> Embedding:
            return features[self.audio]

        return {
            "ib_av": self._cosine("ib_av", seen, heard),
            # where nothing is said of the sound, what the clip is to show: the rule of JavisBench ("else text")
            "ib_ta": self._cosine("ib_ta", lambda: self._read(prompt.audio_caption or prompt.video_caption), heard),
            "ib_tv": self._cosine("ib_tv", lambda: self._read(prompt.video_caption), seen),
        }

    def _read(self, text: str) -> Embedding:
        if not text.strip():
            raise NotApplicable("the prompt has no caption")
        return self.reading(text)

    def _cosine(self, name: str, *sides: Callable[[], Embedding]) -> float | Score:
        """The cosine of two sides, or the reason why one of them is missing."""
        try:
            a, b = (side() for side in sides)
            return float(cosine(a, b))
        except NotApplicable as error:
            return Score(name, self.backend, None, Status.NOT_APPLICABLE, str(error))
        except Unscored as error:
            return Score(name, self.backend, None, Status.UNSCORED, str(error))


class FrameAgreement(Metric):
    """`avh_score` and `javis_score` in one space: every frame (T, D), the whole sound (D,) and its windows (W, D)."""

    frames: ClassVar[VideoBackbone[Embedding]]
    audio: ClassVar[AudioBackbone[Embedding]]
    heard: ClassVar[AudioBackbone[Embedding]]

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        frames, sound, heard = features[self.frames], features[self.audio], features[self.heard]
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
    worst: list[NDArray[np.float64]] = [
        np.sort(cosine(frames[start : start + size], window))[:lowest].mean()
        for start, window in zip(starts, heard, strict=False)  # both lists end with the shorter one
    ]
    return float(np.mean(worst))


def agreement_columns(source: str, **sources: str) -> tuple[Column, ...]:
    """The columns of `Agreement`; `sources` adds what is said of one of them, `source` is said of all."""
    summaries = {
        "ib_av": "picture and sound",
        "ib_ta": "audio caption, or where there is none video caption, and sound",
        "ib_tv": "video caption and picture",
    }
    return tuple(
        Column(name, "1", Direction.UP, -1.0, 1.0, summary, f"{sources.get(name, '')}{source}")
        for name, summary in summaries.items()
    )


def frame_columns(source: str) -> tuple[Column, ...]:
    """The columns of `FrameAgreement`."""
    return (
        Column(
            "avh_score",
            unit="1",
            direction=Direction.UP,
            low=-1.0,
            high=1.0,
            summary="mean cosine of every frame and the whole sound",
            source=f"TAVGBench (Mao et al. 2024) as in JavisBench; {source}",
        ),
        Column(
            "javis_score",
            unit="1",
            direction=Direction.UP,
            low=-1.0,
            high=1.0,
            summary="in each window of 2 s the mean cosine of the 40 % of frames that fit its sound worst; their mean",
            source=f"JavisBench (Liu et al. 2025); {source}",
        ),
    )
