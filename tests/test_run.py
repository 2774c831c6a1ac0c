from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from avbench.cli import app
from avbench.store import COLUMNS, SET_COLUMNS, load_prompts, load_scores
from avbench.weights import find

TOY = ("--metrics", "toy_level", "--workers", "2")


def scores(run: Path) -> pd.DataFrame:
    return pd.read_parquet(run / "scores.parquet")


def test_makes_scores_and_keeps_a_run(avbench: Any, tmp_path: Path) -> None:
    suite = avbench.suite({}, {"tags": ["subset:calm"]})
    done = avbench("run", "--model", "toy", "--suite", suite, *TOY, "--seeds", "0,1", "--out", "r", "--json")
    assert json.loads(done.stdout)["statuses"] == {"ok": 8}
    run = tmp_path / "r"
    found = scores(run)
    assert tuple(found.columns) == COLUMNS
    assert found.groupby(["prompt_id", "seed"]).size().to_dict() == {(f"p{p}", s): 2 for p in (0, 1) for s in (0, 1)}
    assert set(found[found.prompt_id == "p1"].subset) == {"calm"}
    assert set(found[found.prompt_id == "p0"].subset) == {""}
    assert found.value.nunique() == 8
    assert sorted(p.relative_to(run).as_posix() for p in run.rglob("*.mp4")) == [
        f"clips/toy/toys/p{p}_s{s}.mp4" for p in (0, 1) for s in (0, 1)
    ]
    sets = pd.read_parquet(run / "set_scores.parquet")
    assert tuple(sets.columns) == SET_COLUMNS and sets.empty
    record = json.loads((run / "run.json").read_text())
    assert record["state"] == "done"
    assert [column["name"] for column in record["columns"]] == ["toy_pixel", "toy_power"]
    assert record["columns"][0]["backend"] == "signal" and record["columns"][0]["version"] == "1"
    assert len(record["suites"]["toys"]["digest"]) == 64
    assert record["models"]["toy"]["settings"] == {"steps": "4", "device": "cpu"}
    assert record["seeds"] == [0, 1] and record["options"]["metrics"] == "toy_level"
    assert [prompt.id for prompt in load_prompts(run)] == ["p0", "p1"]
    pd.testing.assert_frame_equal(load_scores(run), found)


@pytest.mark.slow
def test_the_same_command_does_nothing_twice(avbench: Any, tmp_path: Path) -> None:
    suite = avbench.suite({}, {})
    log = tmp_path / "log"
    command = ("run", "--model", "toy", "--suite", suite, *TOY, "--out", "r")
    avbench(*command, TOY_LOG=str(log))
    before, said = (tmp_path / "r" / "scores.parquet").read_bytes(), log.read_text()
    assert len(said.splitlines()) == 4
    avbench(*command, TOY_LOG=str(log))
    assert log.read_text() == said
    assert (tmp_path / "r" / "scores.parquet").read_bytes() == before
    avbench(*command, "--fresh", TOY_LOG=str(log))
    assert len(log.read_text().splitlines()) == 8
    assert (tmp_path / "r" / "scores.parquet").read_bytes() == before


@pytest.mark.slow
def test_a_question_can_be_extended(avbench: Any, tmp_path: Path) -> None:
    suite = avbench.suite({}, {}, {})
    log = tmp_path / "log"
    avbench("generate", "--model", "toy", "--suite", suite, "--limit", "1", "--out", "r", "--workers", "1")
    assert scores(tmp_path / "r").empty
    avbench("run", "--model", "toy", "--suite", suite, "--limit", "2", *TOY, "--out", "r", TOY_LOG=str(log))
    assert sorted(log.read_text().splitlines()) == ["p1", "score p0", "score p1"]
    avbench("score", "r", "--metrics", "toy_moody", "--workers", "1")
    assert set(scores(tmp_path / "r").metric) == {"toy_pixel", "toy_power", "toy_a", "toy_b"}
    assert len(scores(tmp_path / "r")) == 8


@pytest.mark.slow
def test_changed_settings_prompts_and_versions_are_redone(avbench: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = ("run", "--model", "toy", "--suite", avbench.suite({}, {}), *TOY, "--out", "r")
    avbench(*command, TOY_LOG=str(log))
    log.unlink()
    done = avbench(*command, TOY_LOG=str(log), TOY_STEPS="8")
    assert "made with other settings" in done.stderr
    assert sorted(log.read_text().splitlines()) == ["p0", "p1", "score p0", "score p1"]
    log.unlink()
    avbench.suite({}, {"video_caption": "another noise"})
    done = avbench(*command, TOY_LOG=str(log), TOY_STEPS="8")
    assert "1 prompts have changed" in done.stderr
    assert sorted(log.read_text().splitlines()) == ["p1", "score p1"]
    log.unlink()
    done = avbench(*command, TOY_LOG=str(log), TOY_STEPS="8", TOY_VERSION="2")
    assert "toy_level has changed" in done.stderr
    assert sorted(log.read_text().splitlines()) == ["score p0", "score p1"]
    assert len(scores(tmp_path / "r")) == 4


def test_a_clip_changed_on_disk_is_flagged_and_scored_again(avbench: Any, tmp_path: Path) -> None:
    command = ("run", "--model", "toy", "--suite", avbench.suite({}, {}, {}), *TOY, "--out", "r")
    avbench(*command)
    before = scores(tmp_path / "r")
    clips = tmp_path / "r" / "clips" / "toy" / "toys"
    shutil.copy(clips / "p1_s0.mp4", clips / "p0_s0.mp4")
    (clips / "p2_s0.mp4").unlink()
    done = avbench(*command)
    assert "1 clips have changed on disk" in done.stderr and "1 clips are gone" in done.stderr
    after = scores(tmp_path / "r")
    assert list(after[after.prompt_id == "p0"].value) == list(before[before.prompt_id == "p1"].value)
    pd.testing.assert_frame_equal(after[after.prompt_id != "p0"], before[before.prompt_id != "p0"])


@pytest.mark.slow
def test_faults_stay_with_their_item(avbench: Any, tmp_path: Path) -> None:
    faults = ("crash", "exit", "raise", "hang")
    suite = avbench.suite({}, *({"id": fault, "tags": [f"do:{fault}"]} for fault in faults), {"id": "last"})
    command = ("run", "--model", "toy", "--suite", suite, *TOY, "--out", "r", "--timeout", "3")
    done = avbench(*command, code=3)
    assert "4 of 6 items failed" in done.stderr
    found = scores(tmp_path / "r")
    assert set(found[found.status == "ok"].prompt_id) == {"p0", "last"}
    assert len(found) == 12  # also what could not be made counts as asked
    reasons = found[found.status == "failed"].drop_duplicates("prompt_id").set_index("prompt_id").reason
    assert reasons["crash"] == "no clip: crash: the worker was killed by SIGSEGV"
    assert reasons["exit"] == "no clip: crash: the worker ended with status 7"
    assert reasons["raise"] == "no clip: error: ValueError: as was asked"
    assert reasons["hang"] == "no clip: timeout: no answer in 3 s"
    avbench(*command, "--max-failures", "4")
    avbench(*command, "--max-failures", "60%", code=3)


def test_metric_outcomes_are_kept_apart(avbench: Any, tmp_path: Path) -> None:
    moods = ("raise", "none", "unscored", "nan", "half", "short", "crash")
    suite = avbench.suite(*({"id": mood, "tags": [f"score:{mood}"]} for mood in moods))
    command = ("run", "--model", "toy", "--suite", suite, "--metrics", "toy_moody", "--out", "r", "--workers", "2")
    avbench(*command, "--max-failures", "4")
    found = scores(tmp_path / "r").set_index(["prompt_id", "metric"])
    assert list(found.loc["raise"].reason) == ["ValueError: as was asked"] * 2
    assert list(found.loc["none"].status) == ["not_applicable"] * 2
    assert list(found.loc["unscored"].status) == ["unscored"] * 2
    assert list(found.loc["nan"].reason) == ["non-finite: nan", "non-finite: inf"]
    assert list(found.loc["half"].status) == ["ok", "unscored"]
    assert found.reason["half", "toy_b"] == "half of it"
    assert list(found.loc["short"].status) == ["ok", "failed"]
    assert set(found.loc["crash"].reason) == {"crash: the worker was killed by SIGSEGV"}
    assert found[found.status != "ok"].value.isna().all() and found[found.status == "ok"].value.notna().all()


@pytest.mark.parametrize("variant", [("toy_batch", "2"), ("toy", "0"), ("toy", "3")])
def test_scores_do_not_depend_on_batch_workers_or_order(avbench: Any, tmp_path: Path, variant: tuple[str, str]) -> None:
    model, workers = variant
    rows = [{"id": f"q{index}"} for index in range(5)]
    avbench(
        "run", "-m", model, "-s", avbench.suite(*rows), "--metrics", "toy_level", "--workers", workers, "--out", "a"
    )
    # Another order, and the noise of the model `toy_batch` is its own: it is compared with itself, batch 1.
    avbench("run", "-m", model, "-s", avbench.suite(*reversed(rows)), "--metrics", "toy_level", "--workers", "1",
            "--limit", "5", "--out", "b")  # fmt: skip
    keys = ["prompt_id", "metric"]
    first, second = (scores(tmp_path / run).sort_values(keys).reset_index(drop=True) for run in "ab")
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_a_bad_item_does_not_fail_its_batch(avbench: Any, tmp_path: Path) -> None:
    suite = avbench.suite({}, {"tags": ["do:crash"]}, {}, {"tags": ["do:raise"]}, {})
    avbench("generate", "-m", "toy_batch", "-s", suite, "--workers", "1", "--out", "r", code=3)
    assert sorted(path.name for path in (tmp_path / "r").rglob("*.mp4")) == ["p0_s0.mp4", "p2_s0.mp4", "p4_s0.mp4"]


def test_what_one_clip_needs_is_not_missing_from_the_metric(avbench: Any, tmp_path: Path) -> None:
    """As a transcript with speakers may be, which cpcer reads beside each clip."""
    suite = avbench.suite({}, {"tags": ["do:need"]})
    done = avbench("run", "-m", "toy", "-s", suite, "--metrics", "toy_needy", "--out", "r", TOY_WEIGHTS="1")
    assert "needs a file" in done.stderr and "unavailable" not in done.stderr
    assert sorted(scores(tmp_path / "r").status) == ["ok", "unscored"]


@pytest.mark.slow
def test_missing_weights_are_tried_again_once_they_came(avbench: Any, tmp_path: Path) -> None:
    suite = avbench.suite({})
    command = ("run", "-m", "toy", "-s", suite, "--metrics", "toy_needy,toy_level", "--workers", "1", "--out", "r")
    done = avbench(*command, code=3)
    assert "metric 'toy_needy' was asked for and is unavailable here" in done.stderr
    avbench(*command, TOY_WEIGHTS="1")
    assert set(scores(tmp_path / "r").status) == {"ok"}


@pytest.mark.slow
def test_other_weights_make_other_scores(avbench: Any, tmp_path: Path) -> None:
    """Only of the metric whose file has changed; a file of the same bytes elsewhere, or none at all, changes none."""
    file = avbench.home / "weights" / find("s3fd").file
    file.parent.mkdir(parents=True)
    log, run = tmp_path / "log", tmp_path / "r"

    def score(code: int = 0) -> tuple[str, list[str], dict[str, float]]:
        log.write_text("")
        words = ("--metrics", "toy_weighed,toy_level", "--allow-unverified", "--workers", "1", "--out", "r")
        done = avbench("run", "-m", "toy", "-s", suite, *words, TOY_LOG=str(log), code=code)
        found = scores(run)
        return done.stderr, log.read_text().splitlines(), dict(zip(found.metric, found.value, strict=True))

    suite = avbench.suite({})
    file.write_text("2")
    _, did, first = score()
    assert sorted(did) == ["p0", "score p0", "weigh p0"]
    file.write_text("3")
    said, did, second = score()
    assert "toy_weighed (or a file of its weights) has changed since 1 clips were scored" in said
    assert did == ["weigh p0"] and second["toy_pixel"] == first["toy_pixel"]
    assert second["toy_weighed"] == pytest.approx(1.5 * first["toy_weighed"])
    assert score()[1:] == ([], second)
    shutil.copytree(avbench.home, tmp_path / "copy")
    shutil.rmtree(avbench.home)
    assert score()[1:] == ([], second)  # nothing that is scored is lost with the file
    (tmp_path / "copy").rename(avbench.home)
    assert score()[1:] == ([], second)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-m", "worlt", "-s", "ambient"), "did you mean world"),
        (("-m", "world", "-s", "ambiant"), "ambient"),
        (("-m", "world", "-s", "ambient", "--limit", "0"), "leaves no prompt"),
        (("-m", "world", "-s", "ambient", "--seeds", "a"), "seed indices"),
        (("-m", "world", "-s", "ambient", "--device", "tpu"), "unknown device"),
        (("-m", "world", "-s", "ambient", "--executor", "slurm"), "unknown executor"),
        (("-m", "world", "-s", "ambient", "--max-failures", "many"), "--max-failures"),
        (("-m", ",", "-s", "ambient"), "no model named"),
        (("-m", "world", "-s", ","), "no suite named"),
    ],
)
def test_a_wrong_call_is_refused_at_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit) as end:
        app(["run", *words, "--out", str(tmp_path / "r")])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and said in error and not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("model", "metric", "code", "said"),
    [
        ("toy", "toy_lvel", 2, "toy_level"),
        ("toy", "toy_broken", 3, "this plugin is out of order"),
        ("toy_unready", "toy_level", 2, "another planet"),
    ],
)
def test_a_part_that_cannot_work_is_refused_before_any_work(
    avbench: Any, tmp_path: Path, model: str, metric: str, code: int, said: str
) -> None:
    done = avbench("run", "-m", model, "-s", "ambient", "--metrics", metric, "--out", "r", "--workers", "0", code=code)
    assert said in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ") and not (tmp_path / "r").exists()


def test_a_broken_plugin_harms_no_other(avbench: Any) -> None:
    listed = json.loads(avbench("list", "metrics", "--json").stdout)
    broken = next(row for row in listed if row["name"] == "toy_broken")
    assert "this plugin is out of order" in broken["summary"]
    assert "AV-Align" in next(row for row in listed if row["name"] == "av_align")["summary"]


def test_no_secret_is_kept(avbench: Any, tmp_path: Path) -> None:
    canary = "sk-canary-0123456789"
    suite = avbench.suite({"tags": ["do:leak"]}, {"tags": ["score:leak"]})
    words = ("--metrics", "toy_moody", "--workers", "1", "--out", "r")
    avbench("run", "-m", "toy", "-s", suite, *words, code=3, TOY_API_KEY=canary)
    assert "[TOY_API_KEY]" in scores(tmp_path / "r").reason.str.cat()
    for path in (path for path in (tmp_path / "r").rglob("*") if path.is_file()):
        assert canary.encode() not in path.read_bytes() and b"hunter2" not in path.read_bytes(), path


def test_a_folder_that_cannot_be_written_is_refused(avbench: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = avbench("run", "-m", "toy", "-s", avbench.suite({}), *TOY, "--out", "file/r", code=2)
    assert "choose another --out" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [0, 2, 40, 120])
def test_a_full_disk_ends_cleanly_and_the_run_goes_on_later(avbench: Any, tmp_path: Path, blocks: int) -> None:
    suite = avbench.suite({}, {}, {})
    words = ["run", "-m", "toy", "-s", str(suite), *TOY, "--out", "r"]
    limited = "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (%d, resource.RLIM_INFINITY));"
    limited += "sys.argv[0] = 'avbench'; runpy.run_module('avbench', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", limited % (blocks * 512), *words],
        cwd=tmp_path, env=avbench.environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in (2, 3), done.stderr
    assert "Traceback" not in done.stderr
    for record in tmp_path.glob("r/run.json"):
        json.loads(record.read_text())
    avbench(*words)
    assert len(scores(tmp_path / "r")) == 6 and set(scores(tmp_path / "r").status) == {"ok"}


@pytest.mark.slow
def test_two_runs_cannot_write_one_folder(avbench: Any, tmp_path: Path) -> None:
    suite = avbench.suite({}, {})
    command = ("run", "-m", "toy", "-s", suite, *TOY, "--out", "r")
    first = avbench.start(*command, TOY_SLEEP="3")
    while not (tmp_path / "r" / "run.json").exists():
        assert first.poll() is None, first.communicate()
    second = avbench(*command, code=2)
    assert f"process {first.pid}" in second.stderr and "another run" in second.stderr
    _, err = first.communicate(timeout=120)
    assert first.returncode == 0, err
    assert not load_scores(tmp_path / "r").empty


def test_a_moved_run_directory_is_still_whole(avbench: Any, tmp_path: Path) -> None:
    suite = avbench.suite({}, {})
    log = tmp_path / "log"
    avbench("run", "-m", "toy", "-s", suite, *TOY, "--out", "r")
    shutil.copytree(tmp_path / "r", tmp_path / "elsewhere")
    shutil.rmtree(tmp_path / "r")
    avbench("run", "-m", "toy", "-s", suite, *TOY, "--out", "elsewhere", TOY_LOG=str(log))
    assert not log.exists()


def test_scores_are_read_from_the_ledger_where_the_export_is_old(avbench: Any, tmp_path: Path) -> None:
    run = tmp_path / "r"
    avbench("run", "-m", "toy", "-s", avbench.suite({}), *TOY, "--out", "r")
    with sqlite3.connect(run / "scores.sqlite") as db:
        db.execute("UPDATE scores SET value = 7")
        db.execute("UPDATE counters SET value = value + 1 WHERE name = 'revision'")
    db.close()
    assert set(load_scores(run).value) == {7.0}
    run.chmod(0o555)
    try:
        assert set(load_scores(run).value) == {7.0}
    finally:
        run.chmod(0o755)


@pytest.mark.slow
def test_a_complete_set_was_asked_for(avbench: Any, tmp_path: Path) -> None:
    """Without `--complete` missing clips are named; with it they are failures until they are there."""
    suite = avbench.suite({}, {}, {})
    avbench("run", "--model", "toy", "--suite", suite, *TOY, "--out", "made")
    clips = tmp_path / "clips"
    shutil.copytree(tmp_path / "made" / "clips" / "toy" / "toys", clips)
    (clips / "p1_s0.mp4").rename(tmp_path / "p1_s0.mp4")
    command = ("score", clips, "--suite", suite, *TOY, "--out", "r")
    assert "1 prompts have no clip: p1" in avbench(*command).stderr
    done = avbench(*command, "--complete", code=3)
    assert "prompts have no clip and count as failed: p1" in done.stderr
    assert "1 of 3 items failed; allowed: 0" in done.stderr
    table = scores(tmp_path / "r").set_index("prompt_id")
    assert set(table.loc["p1"].status) == {"failed"} and set(table.loc["p0"].status) == {"ok"}
    assert set(table.loc["p1"].reason) == {"error: FileNotFoundError: the clip is not there"}
    avbench(*command, "--complete", "--max-failures", "1")
    (tmp_path / "p1_s0.mp4").rename(clips / "p1_s0.mp4")
    avbench(*command, "--complete")
    assert set(scores(tmp_path / "r").status) == {"ok"}
    assert "about the prompts of --suite" in avbench("score", clips, "--complete", code=2).stderr
