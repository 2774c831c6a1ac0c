from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

HEAVY = "[name for name in ('torch', 'numpy', 'pandas', 'pyarrow', 'av', 'cv2', 'rich') if name in sys.modules]"


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["list", "models"], ["list", "metrics"]])
def test_light_commands_load_nothing_heavy(words: list[str]) -> None:
    code = (
        f"import sys; sys.argv[1:] = {words}\nfrom avbench.cli import app\n"
        f"try: app()\nexcept SystemExit as end: print('code', end.code, {HEAVY}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "code 0 []" and done.stdout


def test_every_command_has_help() -> None:
    done = subprocess.run([sys.executable, "-m", "avbench", "--help"], capture_output=True, text=True, check=True)
    for command in ("run", "generate", "score", "report", "compare", "gate", "list", "weights", "doctor"):
        assert f"\n  {command} " in done.stdout


def test_lists_are_rows(avbench: Any) -> None:
    suites = {row["name"]: row for row in json.loads(avbench("list", "suites", "--json").stdout)}
    assert suites["ambient"]["size"] == 50 and suites["ambient"]["version"]
    assert "world" in {row["name"] for row in json.loads(avbench("list", "models", "--json").stdout)}
    assert all({"name", "licence"} <= row.keys() for row in json.loads(avbench("list", "weights", "--json").stdout))
    columns = json.loads(avbench("list", "metrics", "--columns", "--json").stdout)
    assert {"name": "toy_pixel", "metric": "toy_level", "better": "up"}.items() <= next(
        row for row in columns if row["name"] == "toy_pixel"
    ).items()
    avbench("list", "colours", code=2)


def test_a_metric_in_full(avbench: Any) -> None:
    shown = avbench("list", "metrics", "motion_score").stdout
    for words in (
        "px/frame",
        "better: up",
        "0 … ∞",
        "raft_large",
        "BSD-3",
        "2 frames",
        "CPU s a second",
        "Verse-Bench",
    ):
        assert words in shown
    (row,) = json.loads(avbench("list", "metrics", "lse_c", "--json").stdout)
    assert row["name"] == "lipsync" and {c["id"] for c in row["checkpoints"]} == {"s3fd", "syncnet_v2"}
    assert "unknown metric" in avbench("list", "metrics", "motion_scor", code=2).stderr
    assert "takes no name" in avbench("list", "suites", "speech", code=2).stderr


def test_doctor_tells_what_is_broken(avbench: Any) -> None:
    done = avbench("doctor", "--json", code=3)
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert findings["python"]["ok"] and findings["media"]["ok"] and findings["faces"]["ok"] and findings["home"]["ok"]
    assert "this plugin is out of order" in findings["metric"]["found"] and findings["metric"]["mend"]
    assert "av_align" in findings["metrics"]["found"]


def made(avbench: Any, folder: Path) -> Path:
    """Three clips `clips/p0_s0.mp4` … in a folder, with an extra file and a side-car."""
    suite: Path = avbench.suite({}, {}, {})
    avbench("generate", "-m", "toy", "-s", suite, "--out", "made", "--workers", "1")
    (folder / "made" / "clips" / "toy" / "toys").rename(folder / "clips")
    (folder / "clips" / "README.md").write_text("hello")
    return suite


@pytest.mark.slow
def test_a_folder_of_clips_is_scored(avbench: Any, tmp_path: Path) -> None:
    suite = made(avbench, tmp_path)
    (tmp_path / "clips" / "broken.mp4").write_text("no film")
    (tmp_path / "clips" / "empty.mp4").write_bytes(b"")
    command = ("score", "clips", "--metrics", "toy_level", "--workers", "1")
    done = avbench(*command, "--out", "free", "--model", "them", code=3)
    assert "1 files are not media and are ignored: README.md" in done.stderr
    found = pd.read_parquet(tmp_path / "free" / "scores.parquet")
    assert set(found.model) == {"them"} and set(found.suite) == {"files"}
    assert set(found[found.status == "ok"].prompt_id) == {f"p{index}_s0.mp4" for index in range(3)}
    failed = found[found.status == "failed"].groupby("prompt_id").reason.first()
    assert failed["broken.mp4"].startswith("decode_error:invalid")
    assert failed["empty.mp4"].startswith("decode_error:empty")
    for name in ("broken.mp4", "empty.mp4"):
        (tmp_path / "clips" / name).unlink()
    done = avbench(*command, "--out", "free", "--model", "them")
    assert "no longer part of this" in done.stderr
    assert len(pd.read_parquet(tmp_path / "free" / "scores.parquet")) == 6

    (tmp_path / "clips" / "p2_s0.mp4").rename(tmp_path / "clips" / "stray.mp4")
    done = avbench(*command, "--suite", suite, "--out", "asked")
    assert "1 clips match no prompt and are left out: stray.mp4" in done.stderr
    assert "1 prompts have no clip: p2" in done.stderr
    asked = pd.read_parquet(tmp_path / "asked" / "scores.parquet")
    assert set(asked.prompt_id) == {"p0", "p1"} and set(asked.model) == {"clips"} and set(asked.suite) == {"toys"}


@pytest.mark.slow
def test_a_manifest_and_wrong_calls(avbench: Any, tmp_path: Path) -> None:
    made(avbench, tmp_path)
    manifest = tmp_path / "list.jsonl"
    manifest.write_text(json.dumps({"path": "p0_s0.mp4", "id": "zero", "video_caption": "x", "tags": ["score:half"]}))
    words = ("--metrics", "toy_moody", "--workers", "1")
    avbench("score", "clips", "--manifest", manifest, *words, "--out", "m")
    found = pd.read_parquet(tmp_path / "m" / "scores.parquet")
    assert list(found.prompt_id) == ["zero", "zero"] and list(found.status) == ["ok", "unscored"]
    for more, said in [
        (("clips", "--reference", "clips"), "no metric that was chosen compares"),
        (("clips", "--manifest", manifest, "--suite", "speech"), "give one of them"),
        (("made", "--model", "x"), "is a run directory"),
        (("nowhere",), "does not exist"),
        ((str(tmp_path / "home"),), "nothing to score"),
    ]:
        (tmp_path / "home").mkdir(exist_ok=True)
        done = avbench("score", *more, *words, code=2)
        assert said in done.stderr and done.stderr.splitlines()[-1].startswith("error: ")


def test_nothing_that_could_be_scored_is_incomplete(avbench: Any, tmp_path: Path) -> None:
    suite = avbench.suite({"tags": ["score:none"]})
    done = avbench("run", "-m", "toy", "-s", suite, "--metrics", "toy_moody", "--workers", "1", code=3)
    assert "nothing could be scored" in done.stderr
    assert done.stdout.startswith("runs/toy-toys: clips: 1 done; scores: 2 not_applicable")


@pytest.mark.slow
def test_sets_are_compared_with_reference_clips(avbench: Any, tmp_path: Path) -> None:
    suite = made(avbench, tmp_path)
    words = ("score", "clips", "--suite", suite, "--metrics", "toy_set", "--workers", "1", "--out", "run")

    def value() -> float:
        sets = pd.read_parquet(tmp_path / "run" / "set_scores.parquet")
        return float(sets[sets.metric == "toy_set"].value.iloc[0])

    avbench(*words)
    alone = value()
    shutil.copytree(tmp_path / "clips", tmp_path / "real")
    said = avbench(*words, "--reference", "real").stderr
    assert "reference: 3 clips" in said
    assert value() == pytest.approx(0.0, abs=1e-6) != alone  # the toy's number is above the reference's
    avbench(*words, "--reference", next((tmp_path / "runs").glob("reference-real-*")))  # the run that was kept
    assert value() == pytest.approx(0.0, abs=1e-6)
    (tmp_path / "real" / "p0_s0.mp4").unlink()
    (tmp_path / "real" / "p1_s0.mp4").unlink()
    avbench(*words, "--reference", "real")
    assert value() != pytest.approx(0.0, abs=1e-6)
    assert "is what is scored" in avbench(*words, "--reference", "run", code=2).stderr
