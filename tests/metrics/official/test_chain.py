"""The whole chain from the command line: files in the places of official checkpoints, a real clip, a table.

The weights are seeded, so the numbers mean nothing: the model is called so, and the product refuses such files unless
--allow-unverified says otherwise, which every backend then shows.
"""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest

from avbench.media.mux import write
from avbench.records import Sample

pytestmark = pytest.mark.slow

METRICS = "lipsync,desync,imagebind,clap,audiobox,wer"
EVERY = f"{METRICS},clap_score,cpcer"
SLOW = "lipsync_jpeg,javis_score"  # which finds faces again, and whose network takes seconds a frame
PROMPT = {"path": "grid.mp4", "video_caption": "a man speaks", "audio_caption": "a voice", "id": "grid"}
SPEECH = {"speech": [{"text": "set white with p two soon", "language": "en"}]}


def beginning(path: Path, count: int = 30) -> Sample:
    """The first frames of a real clip, at 25 fps and at most 640 px wide: networks of full size take long for them."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in islice(container.decode(video=0), count)]
        every = -(-frames[0].shape[1] // 640)
        frames = [frame[: frame.shape[0] // 4 * 4 : every, : frame.shape[1] // 4 * 4 : every] for frame in frames]
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return Sample(np.stack(frames), Fraction(25), np.zeros(0, np.float32), 16_000)
        rate = container.streams.audio[0].rate
        parts = [frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)]
    sound = np.concatenate(parts)[: rate * len(frames) // 25].astype(np.float32)
    return Sample(np.stack(frames), Fraction(25), sound, rate)


@dataclass(frozen=True)
class Run:
    """One call of `avbench score`: its scores, what it said, and its CPU seconds."""

    scores: pd.DataFrame
    said: str
    seconds: float


@pytest.fixture(scope="module")
def score(home: Path, shared: Path, avbench_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    avbench = avbench_in(tmp_path_factory.mktemp("chain"))
    (avbench.folder / "clips").mkdir()
    write(avbench.folder / "clips" / "grid.mp4", beginning(shared / "media" / "grid_swwp2s.mpg"))
    (avbench.folder / "clips.jsonl").write_text(json.dumps(PROMPT | SPEECH))

    def run(out: str, *words: str, code: int = 0) -> Run:
        given = ("clips", "--manifest", "clips.jsonl", "--model", "seeded", "--metrics", METRICS, "--out", out)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = avbench("score", *given, "--workers", "0", *words, code=code, AVBENCH_HOME=str(home), AVBENCH_CACHE="")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Run(pd.read_parquet(avbench.folder / out / "scores.parquet"), done.stdout + done.stderr, seconds)

    run.folder, run.avbench = avbench.folder, avbench  # type: ignore[attr-defined]
    run.report = lambda out: avbench("report", out).stdout  # type: ignore[attr-defined]
    return run


def test_other_files_than_the_official_ones_are_refused(score: Callable[..., Run]) -> None:
    run = score("refused", "--metrics", f"{EVERY},{SLOW}", code=3)
    assert not (run.scores.status == "ok").any()
    needed = run.scores[run.scores.status == "unscored"]
    assert set(needed.metric) > {"lse_c", "desync_javis", "ib_ta", "clap", "audiobox_pq", "wer"}
    assert set(needed.metric) > {"lse_c_jpeg", "avh_score", "javis_score", "clap_score"}
    for reason in needed.reason:
        assert "are wrong (its digest is not " in reason or "are unverified (no receipt" in reason
        assert "--allow-unverified" in reason
    assert not run.scores.backend.str.contains("unverified").any()


def test_the_chain_and_the_cache(score: Callable[..., Run]) -> None:
    """All numbers are there, in columns of their own; from the cache they are the same for a tenth of the time."""
    first = score("first", "--allow-unverified")
    ok = first.scores[first.scores.status == "ok"]
    assert set(ok.metric) >= {
        "lse_c",
        "lse_d",
        "lse_offset",
        "lse_c_mova",
        "desync_javis",
        "ib_ta",
        "clap",
        "wer",
        "cer",
    }
    assert set(ok.metric) >= {"audiobox_pq", "audiobox_pc", "audiobox_ce", "audiobox_cu"}
    assert set(first.scores.status) <= {"ok", "not_applicable", "unscored"}
    assert set(first.scores.model) == {"seeded"}
    assert first.scores.backend.str.endswith("+unverified").all()
    assert "+unverified" in score.report("first")  # type: ignore[attr-defined]

    again = score("again", "--allow-unverified")
    pd.testing.assert_frame_equal(again.scores, first.scores, check_exact=True)
    other = score("uncached", "--allow-unverified", "--cache", "off", "--metrics", "clap")
    shared_columns = first.scores[first.scores.metric == "clap"].reset_index(drop=True)
    pd.testing.assert_frame_equal(other.scores, shared_columns, check_exact=True)
    print(f"CPU seconds: first {first.seconds:.1f}, from the cache {again.seconds:.1f}")
    assert again.seconds < first.seconds / 3


def test_every_real_clip_is_scored_or_says_why_not(score: Any, shared: Path, home: Path) -> None:
    """Metrics with official weights on the beginnings of all real clips: no failure, no hole, each number marked."""
    folder = score.folder / "media"
    folder.mkdir()
    found = sorted(path for path in (shared / "media").iterdir() if path.suffix in (".mp4", ".mpg"))
    rows = []
    for path in found:
        write(folder / f"{path.stem}.mp4", beginning(path, 23))  # one segment of Synchformer, 18 windows of SyncNet
        rows.append({**PROMPT, **SPEECH, "path": f"{path.stem}.mp4", "id": path.stem})
    assert len(rows) >= 8
    (score.folder / "media.jsonl").write_text("\n".join(map(json.dumps, rows)))
    given = ("media", "--manifest", "media.jsonl", "--model", "seeded", "--workers", "0", "--allow-unverified")
    environment = {"AVBENCH_HOME": str(home), "AVBENCH_CACHE": str(score.folder / "features")}
    score.avbench("score", *given, "--metrics", EVERY, "--out", "every", **environment)
    scores = pd.read_parquet(score.folder / "every" / "scores.parquet")
    assert len(scores) == len(rows) * scores.metric.nunique()
    assert set(scores.status) <= {"ok", "not_applicable", "unscored"}
    refused = scores[scores.status != "ok"]
    assert refused.value.isna().all()
    assert refused.reason.str.len().gt(5).all()
    assert not refused.reason.str.contains("needs weights|needs extra|are wrong|are unverified").any()
    weighted = scores[scores.metric != "cpcer"]
    assert weighted.backend.str.endswith("+unverified").all()
    values = scores.pivot(index="prompt_id", columns="metric", values="value")
    mute = ["wan_pose_noaudio"]
    sounding = values.drop(index=mute)
    assert sounding[["desync_javis", "ib_ta", "clap", "wer", "cer"]].notna().all(axis=None)
    assert sounding[["audiobox_pq", "audiobox_pc", "audiobox_ce", "audiobox_cu"]].notna().all(axis=None)
    assert sounding[["lse_c", "lse_d", "lse_offset"]].notna().sum().ge(4).all()
    quiet = refused[(refused.metric == "clap_score") & ~refused.prompt_id.isin(mute)]
    assert quiet.reason.str.startswith("audio is silent").all()  # Verse-Bench lifts its peak, which silence has not
    assert len(quiet) <= 2
    assert values.loc[mute].drop(columns="lse_min_track", errors="ignore").isna().all(axis=None)
    assert "+unverified" in score.report("every")

    (score.folder / "three").mkdir()
    write(score.folder / "three" / "frames.mp4", beginning(found[0], 3))
    score.avbench("score", "three", *given[3:], "--metrics", "javis_score", "--out", "frames", **environment)
    scores = pd.read_parquet(score.folder / "frames" / "scores.parquet")
    assert dict(zip(scores.metric, scores.status, strict=True)) == {"avh_score": "ok", "javis_score": "ok"}


def test_doctor_shows_the_cache(home: Path, avbench_in: Any, tmp_path: Path) -> None:
    listed = avbench_in(tmp_path)("doctor", code=3, AVBENCH_HOME=str(home), AVBENCH_CACHE="").stdout
    assert f"feature cache      {home / 'features'}: " in listed
