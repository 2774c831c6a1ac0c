from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from avbench.records import Prompt, SpeechLine
from avbench.world.render import render
from avbench.world.scene import frames_of
from avbench.world.sources import KINDS
from avbench.world.speech import tokens
from avbench.world.truth import Take

Talk = Callable[..., Take]

STRUCK = ("impact", "bounce", "drum", "bell", "string", "door", "clock", "footsteps", "dog", "bird", "whistle",
          "fireworks", "thunder", "typing", "pour")  # fmt: skip


def envelope(audio: NDArray[np.float32], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square over 40 ms around each time."""
    energy = np.concatenate([[0], np.cumsum(audio.astype(np.float64) ** 2)])
    low, high = (np.clip(((times + d) * 16000).astype(int), 0, len(audio)) for d in (-0.02, 0.02))
    return np.asarray(np.sqrt((energy[high] - energy[low]) / np.maximum(1, high - low)))


def digest(take: Take) -> str:
    return hashlib.sha256(take.frames.tobytes() + take.audio.tobytes()).hexdigest()


@given(st.floats(0.1, 30.0))
def test_lengths_are_4n_plus_1(seconds: float) -> None:
    frames = frames_of(seconds)
    assert frames % 4 == 1
    assert frames == 5 or abs(frames - seconds * 25) <= 2


@pytest.mark.parametrize("size", [16, 64, 96])
def test_picture_and_sound_are_equally_long(size: int) -> None:
    take = render(Prompt("x", tags=("event:drum",)), 0, size)
    assert take.frames.shape == (101, size, size, 3)
    assert take.frames.dtype == np.uint8
    assert take.fps == Fraction(25)
    assert take.audio.shape == (101 * 16000 // 25,)
    assert take.audio.dtype == np.float32
    assert np.abs(take.audio).max() <= 0.951
    assert render(Prompt("x", seconds=2.6), 0, 16).frames.shape[0] == 65
    assert render(Prompt("x"), 0, 16, seconds=1.3).frames.shape[0] == 33


def test_same_in_another_process_and_locale() -> None:
    """Speech too: espeak-ng seeds itself from the clock and keeps state, neither of which may show."""
    prompt = Prompt("p", speech=(SpeechLine("We sold seven sharp saws.", speaker="fay"),), tags=("event:rain",))
    script = (
        "import hashlib; from avbench.records import Prompt, SpeechLine; from avbench.world.render import render\n"
        "render(Prompt('other', speech=(SpeechLine('Something else before.'),)), 1, 16)\n"
        "p = Prompt('p', speech=(SpeechLine('We sold seven sharp saws.', speaker='fay'),), tags=('event:rain',))\n"
        "t = render(p, 7, 16); print(hashlib.sha256(t.frames.tobytes() + t.audio.tobytes()).hexdigest())"
    )
    environment = {"LC_ALL": "C", "PYTHONHASHSEED": "5", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == digest(render(prompt, 7, 16))


def test_seed_and_prompt_decide() -> None:
    prompt = Prompt("p", tags=("event:bell",))
    assert digest(render(prompt, 1, 16)) != digest(render(prompt, 2, 16))
    assert digest(render(prompt, 1, 16)) != digest(render(Prompt("q", tags=("event:drum",)), 1, 16))


@pytest.mark.parametrize("kind", STRUCK)
def test_sound_starts_at_the_event(kind: str) -> None:
    """The energy first rises a third of the way to its peak within 20 ms of the event."""
    take = render(Prompt("onset", tags=(f"event:{kind}", "place:park")), 3, 16)
    hop = 64
    energy = np.sqrt(np.mean(take.audio[: len(take.audio) // hop * hop].reshape(-1, hop).astype(float) ** 2, axis=1))
    assert take.truth.events
    for event in take.truth.events:
        at = round(event.time * 16000 / hop)
        before, after = energy[max(0, at - 20) : at - 1], energy[at - 1 : at + 20]
        base = before[-5:].mean()
        risen = np.concatenate([before, after]) > base + 0.33 * (after.max() - base)
        assert after.max() > 1.5 * base
        onset = (at - 1 - len(before) + int(np.argmax(risen))) * hop / 16000
        assert abs(onset - event.time) <= 0.02, (event, onset)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_moves_and_sounds(kind: str) -> None:
    take = render(Prompt("alive", tags=(f"event:{kind}",)), 1, 48)
    assert np.mean(np.abs(np.diff(take.frames.astype(np.int16), axis=0))) > 0.05
    assert np.sqrt(np.mean(take.audio**2)) > 0.004
    assert all(event.kind == kind and 0 <= event.time < 4.04 for event in take.truth.events)
    box = take.truth.object_box
    assert np.all(box[:, :2] < box[:, 2:]), "the object is in the picture throughout"
    assert np.all((box >= 0) & (box <= 48))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_counts_are_honoured(count: int) -> None:
    for kind in ("impact", "bell", "dog", "bird", "drum", "footsteps", "clock", "bounce"):
        take = render(Prompt("count", tags=(f"event:{kind}", f"events:{count}")), count, 16)
        assert len(take.truth.events) == count, kind


def test_words_are_the_transcript_in_order(speech: Take) -> None:
    words = speech.truth.words
    assert [word.text for word in words] == ["My", "brother", "plays", "the", "piano", "every", "morning"]
    edges = [edge for word in words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert edges[0] >= 0 and edges[-1] <= 4.04
    assert all(p.start < p.end for p in speech.truth.phones)


def test_mandarin_has_a_word_a_character(talk: Talk) -> None:
    take = talk("你喜欢听什么音乐？", "zh")
    assert "".join(word.text for word in take.truth.words) == "你喜欢听什么音乐"


@settings(max_examples=20, deadline=None)
@given(st.text(alphabet="ab c'-,.!?éß你好", max_size=30))
def test_tokens_are_the_text_without_punctuation(text: str) -> None:
    for at, token in tokens(text):
        assert text[at : at + len(token)] == token
    assert all(any(c.isalnum() for c in token) for _, token in tokens(text))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_lips_follow_the_voice(language: str, talk: Talk) -> None:
    text = {"en": "Every farmer watched the big parade go by.", "zh": "妈妈买了八个大苹果和面包。"}[language]
    takes = [talk(text, language, seed=seed, size=16) for seed in range(3)]
    for take in takes:
        times = np.arange(len(take.frames)) / 25
        corr = [np.corrcoef(envelope(take.audio, times + d / 25), take.truth.aperture)[0, 1] for d in (-2, -1, 0, 1, 2)]
        assert corr[2] > 0.75
        assert int(np.argmax(corr)) == 2, "in step: no whole frame fits better"


def test_lips_close_on_labials(talk: Talk) -> None:
    take = talk("Bob mops up; Pam maps him a pub.", size=16)
    labials = [p for p in take.truth.phones if p.symbol[0] in "pbm" and p.end - p.start > 0.05]
    assert len(labials) >= 6
    closed = [np.interp((p.start + p.end) / 2 * 25, np.arange(101), take.truth.aperture) for p in labials]
    assert np.median(closed) < 0.08
    assert take.truth.aperture.max() > 0.5


def test_mouth_is_in_the_face_and_large_enough(speech: Take) -> None:
    face, mouth = speech.truth.face_box, speech.truth.mouth_box
    assert np.all(mouth[:, :2] >= face[:, :2] - 1e-3) and np.all(mouth[:, 2:] <= face[:, 2:] + 1e-3)
    assert np.all(mouth[:, 2] - mouth[:, 0] >= 0.15 * 32)
    assert np.all((face >= 0) & (face <= 32)) and np.all(face[:, 3] - face[:, 1] > 0.4 * 32), "forehead to chin in view"


def test_off_screen_narration_shows_no_face() -> None:
    prompt = Prompt("n", speech=(SpeechLine("It had been raining for days."),), tags=("event:waves",), off_screen=True)
    truth = render(prompt, 0, 16).truth
    assert truth.off_screen and truth.words and truth.speaker
    assert np.isnan(truth.face_box).all() and np.isnan(truth.mouth_box).all()
    assert not np.isnan(truth.object_box).any()
    assert truth.aperture.max() == 0


def test_without_speech_there_is_no_speaker(bells: Take) -> None:
    assert bells.truth.speaker is None and not bells.truth.words
    assert np.isnan(bells.truth.face_box).all()
