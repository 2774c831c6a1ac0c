"""Locale, time zone and file names that are not UTF-8 change no score; a broken plug-in harms no other part."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Asia/Kolkata"}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, encode: Any, ramp: Any, tone: Any) -> Path:
    folder = tmp_path_factory.mktemp("environment") / "片"
    folder.mkdir()
    for name in (b"plain.mp4", "早上.mp4".encode(), b"caf\xe9.mp4"):
        encode(folder / "new.mp4", ramp(5), audio=tone(0.2, 48_000)).rename(folder / os.fsdecode(name))
    (folder / "早.jsonl").write_text(json.dumps({"id": "早", "video_caption": "早上好"}, ensure_ascii=False), "utf-8")
    return folder


@pytest.mark.slow
def test_locale_and_time_zone_change_no_score(clips: Path, scored: Any) -> None:
    """In the C locale without UTF-8 mode and in another time zone the same clips have the same scores, name by name."""
    plain = scored(clips, "--metrics", "toy_level", out="plain", LC_ALL="C.UTF-8", TZ="UTC").table()
    other = scored(clips, "--metrics", "toy_level", out="ascii-片", **ASCII).table()
    pd.testing.assert_frame_equal(plain, other, check_exact=True)
    assert set(plain.prompt_id) == {"plain.mp4", "早上.mp4", "caf\\xe9.mp4"} and set(plain.status) == {"ok"}


@pytest.mark.slow
def test_a_suite_is_utf8_in_any_locale(clips: Path, avbench_in: Any) -> None:
    """Suites are read, and reports and lists are printed, as UTF-8 or with escapes, but never with a traceback."""
    avbench = avbench_in(clips.parent)
    words = ("--metrics", "toy_level", "--workers", "0", "--out", "made")
    avbench("run", "-m", "toy", "-s", clips / "早.jsonl", *words, **ASCII)
    assert set(pd.read_parquet(clips.parent / "made" / "scores.parquet").prompt_id) == {"早"}
    for command in (("report", "made"), ("list", "metrics")):
        assert "Traceback" not in avbench(*command, **ASCII).stderr


@pytest.mark.slow
def test_a_broken_plugin_is_named_and_left_out(tmp_path: Path, scored: Any, encode: Any, ramp: Any) -> None:
    """A third party's metric that raises on import is left out of `core` by name; the others are scored."""
    (tmp_path / "clips").mkdir()
    encode(tmp_path / "clips" / "a.mp4", ramp(5))
    run = scored(tmp_path / "clips", "--metrics", "core,toy_level")
    assert "metrics left out, see avbench doctor: toy_broken" in run.done.stderr
    assert run.outcomes("a.mp4")["temporal_flickering"].status == "ok"
