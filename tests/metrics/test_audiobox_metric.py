"""The columns of AudioBox-Aesthetics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avbench.errors import NotApplicable
from avbench.metrics._backbones.audiobox import Aesthetics, AudioBox
from avbench.metrics.audiobox import AudioBoxAesthetics
from avbench.records import Direction

FRAMES = np.zeros((2, 16, 16, 3), np.uint8)


def test_each_rating_has_its_column(arrays: Any, score: Any) -> None:
    features = arrays(FRAMES, np.zeros(16_000, np.float32), 16_000)
    features.found[AudioBox()] = Aesthetics(ce=1.0, cu=2.0, pc=3.0, pq=4.0)
    answer = score("audiobox", features)
    assert answer == {"audiobox_ce": 1.0, "audiobox_cu": 2.0, "audiobox_pc": 3.0, "audiobox_pq": 4.0}


def test_complexity_is_neither_good_nor_bad() -> None:
    directions = {column.name: column.direction for column in AudioBoxAesthetics.columns}
    assert directions.pop("audiobox_pc") is Direction.NONE
    assert set(directions.values()) == {Direction.UP}


def test_no_audio_does_not_apply(arrays: Any, score: Any) -> None:
    with pytest.raises(NotApplicable, match="no audio"):
        score("audiobox", arrays(FRAMES, np.zeros(0, np.float32), 16_000))
