"""Maps lie beside their clip, are refused when they are no maps, and are made again where a run asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench import maps


def test_maps_come_back_and_nonsense_does_not(tmp_path: Path) -> None:
    clip = tmp_path / "a.mp4"
    heat = np.random.default_rng(0).random((5, 2, 3)).astype(np.float32)
    maps.write(clip, {"attention": heat}, 5)
    assert np.array_equal(maps.read(clip)["attention"], heat)
    for wrong in (heat[:4], heat - 1, heat[0], heat * np.nan):
        with pytest.raises(ValueError, match="map 'x' must be"):
            maps.write(clip, {"x": wrong}, 5)
    maps.path_of(clip).write_bytes(b"PK no archive")
    assert maps.read(clip) == {} and maps.read(tmp_path / "none.mp4") == {}


@pytest.mark.slow
def test_a_run_makes_clips_again_that_lack_their_maps(avbench: Any, tmp_path: Path) -> None:
    suite, log = avbench.suite({}), tmp_path / "log"
    command = ("run", "--model", "toy", "--suite", suite, "--metrics", "toy_level", "--workers", "0", "--out", "r")
    avbench(*command, TOY_LOG=str(log))
    assert not list((tmp_path / "r").rglob("*.npz"))
    for _ in range(2):
        done = avbench(*command, "--diagnostics", TOY_LOG=str(log))
    assert log.read_text().splitlines().count("p0") == 2 and "without diagnostics" not in done.stderr
    (clip,) = (tmp_path / "r").rglob("*.mp4")
    assert maps.read(clip)["noise"].shape[1:] == (2, 2)
