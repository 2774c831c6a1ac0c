"""Character errors by speaker, from a transcript beside the clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.errors import NotApplicable, Unscored
from avbench.metrics.cpcer import CpCer
from avbench.records import Clip, Prompt, Score, SpeechLine

pytest.importorskip("jiwer", reason="the extra paper is not installed")

LINES = (
    SpeechLine("Good morning!", speaker="hana"),
    SpeechLine("Hi.", speaker="karim"),
    SpeechLine("Sit.", "en", "hana"),
)
PROMPT = Prompt("p", speech=LINES)


def _score(folder: Path, arrays: Any, prompt: Prompt = PROMPT) -> float:
    features = arrays(np.zeros((2, 16, 16, 3), np.uint8), np.zeros(16_000, np.float32), 16_000)
    found = CpCer().score(Clip(folder / "p_s0.mp4", prompt, "model"), features)["cpcer"]
    assert isinstance(found, Score) and found.value is not None and found.detail
    counts: list[Any] = [found.detail[name] for name in ("hits", "substitutions", "deletions", "insertions")]
    assert found.value == sum(counts[1:]) / sum(counts[:3])
    return found.value


@pytest.mark.parametrize(
    ("heard", "errors"),
    [
        ("[S01] good morning [S02] hi [S01] sit", 0),
        ("[S02] Good morning. Sit! [S01] HI", 0),
        ("[S01] good morning hi sit", 4),
        ("[S01] good evening sit [S02] hi", 3),
        ("", 16),
    ],
)
def test_rate(tmp_path: Path, arrays: Any, heard: str, errors: int) -> None:
    (tmp_path / "p_s0.speakers.txt").write_text(heard, encoding="utf-8")
    assert _score(tmp_path, arrays) == pytest.approx(errors / 16)


def test_without_a_transcript(tmp_path: Path, arrays: Any) -> None:
    with pytest.raises(Unscored, match=r"^needs .*p_s0\.speakers\.txt"):
        _score(tmp_path, arrays)


@pytest.mark.parametrize(("content", "reason"), [(b"hello", "names no speaker"), (b"\xff\xfe", "UTF-8")])
def test_unusable_transcripts(tmp_path: Path, arrays: Any, content: bytes, reason: str) -> None:
    (tmp_path / "p_s0.speakers.txt").write_bytes(content)
    with pytest.raises(Unscored, match=reason):
        _score(tmp_path, arrays)


def test_one_speaker_does_not_apply(tmp_path: Path, arrays: Any) -> None:
    with pytest.raises(NotApplicable, match="two speakers"):
        _score(tmp_path, arrays, Prompt("p", speech=LINES[:1]))
