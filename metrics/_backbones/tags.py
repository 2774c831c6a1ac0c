"""What PANNs and PaSST hear in a clip, as av-benchmark plays it to them: a feature and the logits of 527 tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView

from ._checkpoint import down, network, up
from .sound import finite

SHORTEST = 0.32  # seconds: Cnn14 halves the 100 frames of a second five times


@dataclass(frozen=True, slots=True)
class Heard:
    """`features` (2048,) or (768,) and `logits` (527,)."""

    features: NDArray[np.float32]
    logits: NDArray[np.float32]


class _Tagger(AudioBackbone[Heard]):
    view: ClassVar[AudioView] = AudioView(mono=False)
    kept: ClassVar[bool] = True

    def pack(self, feature: Heard) -> Mapping[str, NDArray[Any]]:
        return {"features": feature.features, "logits": feature.logits}

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> Heard:
        return Heard(arrays["features"], arrays["logits"])


@dataclass(frozen=True)
class PannsTags(_Tagger):
    """By Cnn14 at 16 kHz, of the whole sound: channels averaged, the constant part taken off."""

    weights: ClassVar[tuple[str, ...]] = ("cnn14_16k",)

    def extract(self, audio: Audio, info: MediaInfo) -> Heard:
        from . import cnn14

        return _heard(network(_cnn14, "cnn14_16k", "model"), _wave(audio, cnn14.AT_16K.rate))


@dataclass(frozen=True)
class PasstTags(_Tagger):
    """By PaSST at 32 kHz, of the first 10 s, zeros after the sound."""

    weights: ClassVar[tuple[str, ...]] = ("passt",)

    def extract(self, audio: Audio, info: MediaInfo) -> Heard:
        from . import passt

        return _heard(network(passt.load, "passt"), passt.ten_seconds(_wave(audio, passt.RATE)))


def _cnn14(state: Any, source: str) -> Any:
    from . import cnn14

    return cnn14.load(state, source, cnn14.AT_16K)


def _wave(audio: Audio, rate: int) -> Any:
    from ._waves import mono

    samples = finite(audio)
    channels = samples.reshape(len(samples), -1).T
    if channels.shape[1] < SHORTEST * audio.rate:
        raise NotApplicable(f"too_short: {channels.shape[1] / audio.rate:.2f} s of sound, {SHORTEST} s needed")
    return mono(channels, audio.rate, rate)


def _heard(net: Any, wave: Any) -> Heard:
    from avbench.products import inference

    with inference():
        tags = net(up(wave[None], net))
    return Heard(down(tags.features[0]), down(tags.logits[0]))
