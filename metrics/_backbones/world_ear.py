"""Speech of the world to text, by the recogniser that `avbench train asr` trains: English words, Mandarin pinyin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import Unscored
from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView

from .sound import finite
from .transcript import Transcript

if TYPE_CHECKING:
    from torch import Tensor

    from .world_ear_net import Ear
    from .world_lexicon import Lexicon
    from .world_words import Costs

RATE = 16_000
SHORTEST = 0.1  # seconds
WEIGHTS = "asr.safetensors"


class WorldSpeech:
    """The sound of a clip (S,) at 16 kHz, transcribed on demand, once a language."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self._samples = samples
        self._heard: dict[str, Transcript] = {}

    def transcript(self, language: str) -> Transcript:
        """Small letters for `en`, toned pinyin for `zh`. Raises Unscored for another language or without weights."""
        if language not in self._heard:
            self._heard[language] = _transcribed(self._samples, language)
        return self._heard[language]


@dataclass(frozen=True)
class WorldEar(AudioBackbone[WorldSpeech]):
    """The world's recogniser on the whole clip."""

    view: ClassVar[AudioView] = AudioView(rate=RATE)

    def extract(self, audio: Audio, info: MediaInfo) -> WorldSpeech:
        return WorldSpeech(finite(audio, SHORTEST))


def transcribe(
    net: Ear, lexicon: Lexicon, sound: Tensor, language: str, costs: Costs | None = None
) -> tuple[str, float]:
    """The text of (S,) samples, by the accent that fits best, and its log probability a slot."""
    from .world_lexicon import VOICES
    from .world_words import Costs, decode, joined

    costs = costs or Costs()
    scores, sung = net.hear(sound, language)
    phones, tones = (scores - costs.prior * net.prior).cpu().numpy(), sung.cpu().numpy()
    tries = [decode(phones, tones, lexicon.trees[voice], costs) for voice in VOICES[language]]
    texts, score = max(tries, key=lambda found: found[1])
    return joined(texts), score / len(phones)


def _transcribed(samples: NDArray[np.float32], language: str) -> Transcript:
    import torch

    from .world_text import LANGUAGES

    if language not in LANGUAGES:
        raise Unscored(f"the world's recogniser hears {' and '.join(LANGUAGES)}, not {language}")
    net, lexicon = load(Path(str(resources.files("avbench.metrics._world") / WEIGHTS)))
    text, score = transcribe(net, lexicon, torch.from_numpy(samples), language)
    return Transcript(text, language, score)


@cache
def load(path: Path) -> tuple[Ear, Lexicon]:
    """Network and lexicon of a file of `avbench train asr`. Raises Unscored when there is none."""
    from ._shipped import unpack
    from ._state import build
    from .world_ear_net import Ear, EarConfig
    from .world_lexicon import Lexicon

    state, sizes = unpack(path)
    packed = {name: state.pop(name) for name in list(state) if name.startswith("lexicon.")}
    prior = state.pop("prior")
    net = build(partial(Ear, EarConfig(**sizes)), state, str(path))
    net.prior = prior
    return net, Lexicon.unpack({name.removeprefix("lexicon."): array.numpy() for name, array in packed.items()})
