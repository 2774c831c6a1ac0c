"""The columns of CLAP: what does not apply, and the cosine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avbench.errors import NotApplicable, Unscored
from avbench.metrics._backbones import _checkpoint, clap
from avbench.metrics._clap_score import cosine
from avbench.records import Prompt

FRAMES = np.zeros((2, 16, 16, 3), np.uint8)
CAPTION = Prompt("p", audio_caption="A dog barks.")
BACKBONES = {"clap": clap.Clap(), "clap_score": clap.VerseClap()}


@pytest.mark.parametrize("name", BACKBONES)
def test_no_caption_or_no_sound_does_not_apply(arrays: Any, score: Any, name: str) -> None:
    with pytest.raises(NotApplicable, match="no audio caption"):
        score(name, arrays(FRAMES, np.ones(48_000, np.float32), 48_000), Prompt("p", video_caption="A dog."))
    with pytest.raises(NotApplicable, match="no audio stream"):
        score(name, arrays(FRAMES, np.zeros(0, np.float32), 48_000), CAPTION)


def test_silence_has_no_peak_to_normalise(arrays: Any, score: Any) -> None:
    with pytest.raises(NotApplicable, match="silent"):
        score("clap_score", arrays(FRAMES, np.zeros(48_000, np.float32), 48_000), CAPTION)


@pytest.mark.parametrize("name", BACKBONES)
def test_the_caption_is_compared_with_the_sound(
    arrays: Any, score: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the towers put sound and text is the backbone's; the metric takes the cosine."""
    towers = {"A dog barks.": np.array([0.6, 0.8], np.float32)}
    monkeypatch.setattr(f"avbench.metrics.{name}.embed_caption", lambda variant, text: towers[text])
    features = arrays(FRAMES, np.ones(48_000, np.float32), 48_000)
    features.found[BACKBONES[name]] = np.array([1.0, 0.0], np.float32)
    assert score(name, features, CAPTION) == {name: pytest.approx(0.6)}


@pytest.mark.parametrize("name", BACKBONES)
def test_missing_weights_are_named(
    arrays: Any, score: Any, name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVBENCH_HOME", str(tmp_path))
    _checkpoint._opened.cache_clear()
    with pytest.raises(Unscored, match=r"^needs weights"):
        score(name, arrays(FRAMES, np.ones(48_000, np.float32), 48_000), CAPTION)


def test_cosine_stays_within_its_range() -> None:
    unit = np.full(512, 512**-0.5, np.float32)
    assert cosine(unit, unit) == pytest.approx(1.0) and cosine(unit, unit) <= 1.0
    assert cosine(unit, -unit) == pytest.approx(-1.0)
