"""Where somebody speaks: silero-vad, whose weights ship in its package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView

from .sound import finite

if TYPE_CHECKING:
    from torch import nn

RATE = 16_000
SHORTEST = 0.25  # seconds; silero drops shorter speech by default


@dataclass(frozen=True, slots=True)
class SpeechSegments:
    """`segments` of (start, end) seconds from the start of the audio, which lasts `seconds`."""

    segments: tuple[tuple[float, float], ...]
    seconds: float

    @property
    def ratio(self) -> float:
        """Share of the audio that is speech, 0..1."""
        return sum(end - start for start, end in self.segments) / self.seconds


@dataclass(frozen=True)
class VoiceActivity(AudioBackbone[SpeechSegments]):
    """silero-vad with its defaults (threshold 0.5, 250 ms of speech, 100 ms of silence, 30 ms of padding)."""

    view: ClassVar[AudioView] = AudioView(rate=RATE)
    kept: ClassVar[bool] = True

    def extract(self, audio: Audio, info: MediaInfo) -> SpeechSegments:
        import torch
        from silero_vad import get_speech_timestamps

        samples = torch.from_numpy(finite(audio, seconds=SHORTEST))
        found = get_speech_timestamps(samples, _model(), sampling_rate=RATE)  # resets the model's state first
        return SpeechSegments(
            segments=tuple((span["start"] / RATE, span["end"] / RATE) for span in found),
            seconds=len(samples) / RATE,
        )

    def pack(self, feature: SpeechSegments) -> Mapping[str, NDArray[Any]]:
        return {"segments": np.array(feature.segments).reshape(-1, 2), "seconds": np.array(feature.seconds)}

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> SpeechSegments:
        segments = tuple((start, end) for start, end in arrays["segments"].tolist())
        return SpeechSegments(segments, float(arrays["seconds"]))


@cache
def _model() -> nn.Module:
    from silero_vad import load_silero_vad

    model: nn.Module = load_silero_vad()
    return model
