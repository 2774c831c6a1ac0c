"""Speech to text: OpenAI's Whisper, pinned so that a transcript is the same every time."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import UsageError
from avbench.features import remembered
from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView

from ._checkpoint import opened
from ._paper import library
from .sound import finite
from .transcript import Transcript

if TYPE_CHECKING:
    from pathlib import Path

RATE = 16_000
WEIGHTS = "whisper_large_v3"
BEAM = 5


class Speech:
    """The sound of a clip (S,) at 16 kHz, transcribed on demand, once a language."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self.samples = samples
        self._heard: dict[str, Transcript] = {}

    def transcript(self, language: str) -> Transcript:
        """What is said in `language` (`en`, `zh` …). Raises Unscored without Whisper or its weights."""
        if language not in self._heard:
            words = remembered(_hear, self.samples, language, weights=(WEIGHTS,))
            self._heard[language] = Transcript(**json.loads(words.tobytes()))
        return self._heard[language]


@dataclass(frozen=True)
class Whisper(AudioBackbone[Speech]):
    """Whisper large-v3 on the whole clip, through 16-bit samples as the reference reads its files."""

    view: ClassVar[AudioView] = AudioView(rate=RATE)
    kept: ClassVar[bool] = True

    def extract(self, audio: Audio, info: MediaInfo) -> Speech:
        return Speech(quantised(finite(audio)))

    def pack(self, feature: Speech) -> Mapping[str, NDArray[Any]]:
        return {"samples": (feature.samples * 32768).astype(np.int16)}

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> Speech:
        return Speech((arrays["samples"] / 32768).astype(np.float32))


def quantised(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples as a round trip through signed 16-bit integers leaves them."""
    whole = np.clip(np.rint(samples * 32768), -32768, 32767) + np.float32(0)  # no negative zeros, which integers lack
    return (whole / 32768).astype(np.float32)


def transcribe(model: Any, samples: NDArray[np.float32], language: str, beam: int = BEAM) -> Transcript:
    """The text of (S,) samples at 16 kHz: beam search at temperature 0, no time stamps, each 30 s window by itself.

    Neither a window's no-speech probability nor its likelihood drops it: what is invented shall count.
    """
    found = library("whisper").transcribe(
        model,
        samples,
        language=language,
        task="transcribe",
        temperature=0.0,
        beam_size=beam,
        without_timestamps=True,
        condition_on_previous_text=False,
        compression_ratio_threshold=None,
        logprob_threshold=None,
        no_speech_threshold=None,
        fp16=model.device.type == "cuda",
    )
    windows = found["segments"]
    return Transcript(
        text=found["text"].strip(),
        language=language,
        log_probability=min((window["avg_logprob"] for window in windows), default=0.0),
        no_speech_probability=max((window["no_speech_prob"] for window in windows), default=1.0),
    )


def load(path: Path) -> Any:
    """The network of a checkpoint in OpenAI's layout. Raises UsageError when the file is damaged or another's."""
    from ._state import uninitialised

    whisper = library("whisper")
    try:  # load_model reads with weights_only and loads strictly
        return uninitialised(lambda: whisper.load_model(str(path), device="cpu")).eval()
    except (pickle.UnpicklingError, RuntimeError, KeyError, TypeError, EOFError, OSError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"weights {path}: do not fit Whisper ({first}); is this the official file?") from error


def _hear(samples: NDArray[np.float32], language: str) -> NDArray[np.uint8]:
    """A transcript as JSON in UTF-8."""
    heard = asdict(transcribe(_model(), samples, language))
    return np.frombuffer(json.dumps(heard, ensure_ascii=False).encode(), np.uint8)


def _model() -> Any:
    return opened(load, WEIGHTS)
