from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from avbench.world import speech
from avbench.world.formant import speak_formant
from avbench.world.speakers import SPEAKERS

needs_espeak = pytest.mark.skipif(speech.library() is None, reason="no espeak-ng: pip install 'avbench[world]'")


def pitch(audio: np.ndarray) -> float:
    """Median fundamental in Hz: the largest autocorrelation between 55 and 400 Hz of loud 40 ms frames."""
    frames = audio[: len(audio) // 640 * 640].reshape(-1, 640)
    loud = frames[np.sqrt(np.mean(frames**2, axis=1)) > 0.06]
    power = np.fft.rfft(loud, 2048) if len(loud) else np.zeros((1, 1025))
    autocorrelation = np.fft.irfft(np.abs(power) ** 2)[:, 40:290]
    return float(np.median(16000 / (40 + autocorrelation.argmax(axis=1))))


@needs_espeak
def test_women_speak_higher_than_men() -> None:
    text = "We all are near the yellow river now."
    heights = {s.name: pitch(speech.say(text, "en", s, 0, 4.0).audio) for s in SPEAKERS.values()}
    women = [heights[s.name] for s in SPEAKERS.values() if s.woman]
    men = [heights[s.name] for s in SPEAKERS.values() if not s.woman]
    assert min(women) > max(men)
    assert len(SPEAKERS) == 12 and len({(s.variant, s.pitch) for s in SPEAKERS.values()}) == 12


@needs_espeak
def test_every_voice_is_its_own() -> None:
    spectra = []
    for speaker in SPEAKERS.values():
        audio = speech.say("We all are near the yellow river now.", "en", speaker, 0, 4.0).audio
        spectrum = np.abs(np.fft.rfft(audio))[:16000].reshape(-1, 400).mean(axis=1)
        spectra.append(np.log(spectrum + 1e-3) - np.log(spectrum + 1e-3).mean())
    near = [np.abs(a - b).mean() for i, a in enumerate(spectra) for b in spectra[:i]]
    assert min(near) > 0.05


@needs_espeak
@pytest.mark.parametrize("language", ["en", "zh"])
def test_long_text_is_spoken_faster_until_it_fits(language: str) -> None:
    text = {"en": "I think we should take the other road home tonight before the heavy rain starts again.",
            "zh": "我觉得今晚在大雨开始之前我们应该走另一条路回家吃晚饭。"}[language]  # fmt: skip
    spoken = speech.say(text, language, SPEAKERS["emil"], 0, 4.04)
    assert len(spoken.words) == len(speech.tokens(text))
    assert spoken.words[-1].end < 4.04
    assert len(spoken.audio) == round(4.04 * 16000)
    short = speech.say(text, language, SPEAKERS["emil"], 0, 1.0)
    assert len(short.words) < len(spoken.words) and all(w.end <= 1.0 for w in short.words)


@needs_espeak
def test_numbers_and_joined_words_keep_their_times() -> None:
    words = speech.say("Of the 23 dogs, don't pick well-known ones.", "en", SPEAKERS["ana"], 1, 5.0).words
    assert [w.text for w in words] == ["Of", "the", "23", "dogs", "don't", "pick", "well-known", "ones"]
    assert all(a.end <= b.start + 1e-9 for a, b in pairwise(words))
    assert words[2].end - words[2].start > 2 * (words[1].end - words[1].start), "twenty-three is long"


@needs_espeak
def test_silence_where_no_word_is() -> None:
    spoken = speech.say("Stop. Go on, please.", "en", SPEAKERS["bruno"], 0, 4.0)
    lead, tail = spoken.words[0].start, spoken.words[-1].end
    assert np.abs(spoken.audio[: int((lead - 0.02) * 16000)]).max() < 0.01
    assert np.abs(spoken.audio[int((tail + 0.15) * 16000) :]).max() < 0.01


def test_rejects_nothing_it_cannot_say() -> None:
    for text in ("…", "", "12 + 7", "naïve café"):
        spoken = speech.say(text, "en", SPEAKERS["ana"], 0, 2.0)
        assert np.isfinite(spoken.audio).all() and len(spoken.audio) == 32000


@pytest.mark.parametrize("language", ["en", "zh"])
def test_package_speaks_without_espeak(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "library", lambda: None)
    text = {"en": "My brother plays the piano every morning.", "zh": "哥哥每天早上弹钢琴。"}[language]
    spoken = speech.say(text, language, SPEAKERS["bruno"], 0, 4.04)
    assert spoken.engine == "formant"
    assert [w.text for w in spoken.words] == [token for _, token in speech.tokens(text)]
    assert spoken.words[-1].end < 4.04 and np.sqrt(np.mean(spoken.audio**2)) > 0.02
    again = speech.say(text, language, SPEAKERS["bruno"], 0, 4.04)
    assert np.array_equal(spoken.audio, again.audio)


def test_formant_voice_has_the_speakers_pitch() -> None:
    low, _, _ = speak_formant("We all are near.", "en", SPEAKERS["goro"], 150, 3.0, 0)
    high, _, _ = speak_formant("We all are near.", "en", SPEAKERS["fay"], 150, 3.0, 0)
    assert pitch(0.5 * high / np.abs(high).max()) > 1.5 * pitch(0.5 * low / np.abs(low).max())
