"""The tables' rows are the papers', every row is a model that runs, and the command does all of it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from avbench import ablation_forms as forms
from avbench.ablation import find, makers, train
from avbench.ablation_table import AGREES, DISAGREES, OPEN, compare
from avbench.errors import UsageError
from avbench.generators._joint import generator
from avbench.generators._joint.ablations import TABLES, Row, row_of
from avbench.generators._joint.apart import apart_of, streams_of
from avbench.generators._joint.data import Dataset
from avbench.generators._joint.model import JointModel
from avbench.generators._joint.presets import PRESETS
from avbench.generators._joint.recipe import Preset, Stage, Task
from avbench.generators._joint.weights import load, save
from avbench.leaderboard import Measure
from avbench.published import published_values
from avbench.records import Column, Direction
from avbench.results import Results

EVERY = [(system, table, row) for system, tables in TABLES.items() for table, rows in tables.items() for row in rows]


def test_rows_are_the_papers_own() -> None:
    for system, tables in TABLES.items():
        for table, rows in tables.items():
            printed = {v.method for v in published_values() if (v.source, v.table) == (system, table.upper())}
            ours = {row.name for row in rows}
            assert ours <= printed and printed - ours <= {"Universe-1", "OVI"}


def test_the_grid_is_nineteen_checkpoints() -> None:
    assert len({(system, row.checkpoint) for system, _, row in EVERY}) == 19  # Harmony 5, JoVA 8, UniAVGen 6


@pytest.mark.parametrize(("system", "table", "row"), EVERY, ids=lambda x: getattr(x, "name", x))
def test_every_row_is_a_model(system: str, table: str, row: Row, small: Callable[[str], Preset]) -> None:
    """Rows of one checkpoint are of one model; a row with switches differs from the full one."""
    preset = small(system)
    mine, full = row.of(preset), PRESETS[system]["grid"]
    with torch.device("meta"):
        JointModel(mine.model)
    assert (mine.model, mine.train) == (preset.model, preset.train) or row.checkpoint != "full"
    assert row.train or (mine.model, mine.train) == (preset.model, preset.train)
    assert full.train.steps == 1200 and full.apart is not None
    for other in TABLES[system][table]:
        if other.checkpoint == row.checkpoint:
            assert (other.of(preset).model, other.of(preset).train) == (mine.model, mine.train)


def test_without_cts_only_joint_batches_are_left(small: Callable[[str], Preset]) -> None:
    preset = row_of("harmony", "t4", "w/o CTS (w/ SyncCFG)").of(small("harmony"))
    tasks = [[task.name for task in stage.mix] for stage in preset.train.stages]
    assert tasks == [["audio"], ["audio"], ["video"], ["joint"]]
    with pytest.raises(UsageError, match="has no 'nonsense'"):
        Row("x", "x", {"model.nonsense": 1}).of(preset)


def test_what_is_missing_is_known_and_rows_share_weights(data: Dataset, tmp_path: Path) -> None:
    found = find("harmony-t4", "nano", tmp_path)
    assert [trial.checkpoint for trial in found.missing] == ["full", "raw-rope", "global", "no-cts"]
    nano = PRESETS["harmony"]["nano"]
    for trial in found.missing:
        of = row_of("harmony", "t4", trial.row.name).of(nano)
        write(found.weights(trial), of, data, steps=nano.train.steps)
    assert not found.missing
    made = makers(found)
    assert [made[row.name].facts.settings["guidance"] for row in found.rows] == [
        "text",
        *["sync"] * 2,
        "text",
        *["sync"] * 2,
    ]
    assert found.published.titles == ("Sync-C",)
    twice = find("Harmony-T4", "nano", tmp_path, trainings=2)
    assert [trial.checkpoint for trial in twice.missing] == ["full-1", "raw-rope-1", "global-1", "no-cts-1"]
    with pytest.raises(UsageError, match="has 20 steps behind it, and 7 are asked for; give --steps 20"):
        _ = find("harmony-t4", "nano", tmp_path, steps=7).missing
    write(found.weights(found.trials[0]), PRESETS["harmony"]["grid"], data, steps=20)
    with pytest.raises(UsageError, match="holds another model than row 'w/o SyncCFG' at preset nano"):
        makers(found)


def test_unknown_ablations_name_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="known: harmony-t4, harmony-t5, jova-t3"):
        find("harmony-t9", None, tmp_path)
    with pytest.raises(UsageError, match="known: grid, nano, tiny"):
        find("harmony-t4", "huge", tmp_path)


def write(path: Path, preset: Preset, data: Dataset, steps: int, system: str = "harmony") -> None:
    """A file of weights as a training of so many steps leaves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {"system": system, "steps": str(steps), "hours": "0.5", "clips": "12"}
    save(path, preset.model, JointModel(preset.model).state_dict(), data.codecs, said)


def test_weights_of_another_system_are_refused(data: Dataset, tmp_path: Path) -> None:
    found = find("jova-t6", "nano", tmp_path)
    for trial in found.missing:
        write(found.weights(trial), PRESETS["harmony"]["nano"], data, steps=20)
    with pytest.raises(UsageError, match="holds weights of harmony, not of jova"):
        makers(found)


def scored(values: dict[str, list[float | None]]) -> Results:
    """What a run of models on prompts 0, 1, … says of lse_c; None is a clip without a face."""
    rows = [
        {
            "model": model, "suite": "speech", "subset": "", "prompt_id": str(i), "seed": 0, "metric": "lse_c",
            "backend": "world-1", "value": value, "status": "unscored" if value is None else "ok",
            "reason": "no face" if value is None else "",
        }
        for model, found in values.items() for i, value in enumerate(found)
    ]  # fmt: skip
    column = Column("lse_c", "1", Direction.UP, 0.0, 99.0, "", "")
    return Results(pd.DataFrame(rows), pd.DataFrame(), (Measure(column, "world-1"),))


def test_a_gap_is_told_by_its_interval_and_by_every_training(data: Dataset, tmp_path: Path) -> None:
    """Harmony T4: the paper's rows are all below its full model."""
    found = find("harmony-t4", "nano", tmp_path, trainings=2)
    for trial in found.missing:
        write(found.weights(trial), PRESETS["harmony"]["nano"], data, steps=20)
    full, base = "Full Model (Harmony)", [3.0, 5.0, 4.0, 6.0, 5.5, 4.5]
    shifts = {
        full: (0.0, 0.0),
        "w/o SyncCFG": (-1.0, -2.0),
        "w/o RoPE Align": (1.0, 0.5),
        "w/o GLDI": (-1.0, 0.25),  # the trainings differ
        "w/o CTS (w/o SyncCFG)": (0.0, 0.0),
    }
    noise = [0.01, -0.02, 0.01, 0.02, -0.01, -0.01]
    values: dict[str, list[float | None]] = {
        name + (", training 1" if k else ""): [
            x + away[k] + e * (name != full) for x, e in zip(base, noise, strict=True)
        ]
        for name, away in shifts.items()
        for k in (0, 1)
    }
    values["w/o CTS (w/ SyncCFG)"] = values["w/o CTS (w/ SyncCFG), training 1"] = [None] * 6
    lines = {line.row: line for line in compare(found, scored(values)).lines}
    readings = {name: line.reading for name, line in lines.items()}
    assert readings == {
        full: "",
        "w/o SyncCFG": AGREES,
        "w/o RoPE Align": DISAGREES,
        "w/o GLDI": OPEN,
        "w/o CTS (w/o SyncCFG)": OPEN,
        "w/o CTS (w/ SyncCFG)": "",
    }
    gap = lines["w/o SyncCFG"].gap
    assert gap is not None and gap.mean == pytest.approx(-1.5) and gap.each == pytest.approx((-1.0, -2.0))
    assert gap.low < -1.5 < gap.high < -1.4 and gap.prompts == 6
    assert lines["w/o SyncCFG"].paper == 5.09 and lines["w/o SyncCFG"].paper_gap == pytest.approx(5.09 - 6.51)
    assert lines[full].ours.mean == pytest.approx(sum(base) / 6) and lines[full].ours.scored == 12
    assert lines["w/o CTS (w/ SyncCFG)"].ours.reason == "no face"


def test_the_forms_say_the_same(data: Dataset, tmp_path: Path) -> None:
    found = find("harmony-t5", "nano", tmp_path)
    for trial in found.missing:
        write(found.weights(trial), PRESETS["harmony"]["nano"], data, steps=20)
    here = compare(found, scored({"Harmony (Base: Wan2.1)": [1.0, 2.0], "Harmony (Base: Wan2.2)": [2.0, None]}))
    content = json.loads(forms.as_json(here))
    first, second = content["rows"]
    assert (first["mean"], first["gap"], first["gap_low"], second["scored"]) == (1.5, -1.0, None, 1)
    assert content["absent"] == ["AQ", "PQ"] and content["hours"] == {"weak": 0.5, "full": 0.5}
    rows = list(csv.DictReader(forms.as_csv(here).splitlines()))
    assert [row["row"] for row in rows] == [first["row"], second["row"]] and rows[0]["gap"] == "-1.0"
    for text in (forms.text(here), forms.markdown(here)):
        assert (
            "6.48" in text
            and "1.500" in text
            and "-1.000 [-∞, +∞]" in text
            and "1 clips without a score (no face)" in text
        )
    assert forms.markdown(here).count("\n|") == 4


def test_rows_begin_with_the_same_streams_which_learn_once(
    small: Callable[[str], Preset], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a learning rate of zero a row ends with the streams that it began with."""
    pytest.importorskip("matplotlib")
    sound, sight = Stage("audio", 1, (Task("audio", 1, 1),)), Stage("video", 1, (Task("video", 1, 1),))
    nano = small("harmony")
    still = replace(nano.train, held_out=2, steps=1, rate=0.0, show_every=0)
    apart = replace(still, steps=4, rate=1e-3, stages=(sound, sight))
    monkeypatch.setitem(PRESETS["harmony"], "nano", replace(nano, train=still, apart=apart))
    monkeypatch.setattr(generator, "build", lambda *_: data)
    found = find("harmony-t4", "nano", tmp_path)
    (tmp_path / "nano" / "apart").mkdir(parents=True)
    write(tmp_path / "nano" / "apart" / "weights.safetensors", nano, data, steps=3)  # cut short: it is trained anew
    train(found, "cpu")
    train(find("harmony-t5", "nano", tmp_path), "cpu")
    with (tmp_path / "nano" / "apart" / "losses.csv").open() as log:
        assert [(row["step"], row["stage"]) for row in csv.DictReader(log)] == [
            ("1", "audio"), ("2", "audio"), ("3", "video"), ("4", "video"),
        ]  # fmt: skip
    alone = apart_of(PRESETS["harmony"]["nano"])
    assert alone is not None
    learned = streams_of(tmp_path / "nano" / "apart" / "weights.safetensors", alone.model)
    for row in ("full", "global", "raw-rope", "no-cts"):
        state = load(tmp_path / "nano" / row / "weights.safetensors").model.state_dict()
        assert learned.keys() < state.keys() and all(torch.equal(state[name], learned[name]) for name in learned)
    weak = tmp_path / "nano" / "apart-weak" / "weights.safetensors"
    with pytest.raises(UsageError, match="holds other streams than this preset's; delete its folder"):
        streams_of(weak, alone.model)


COMMAND = [sys.executable, "-m", "avbench", "ablate", "harmony-t5", "--preset", "nano", "--limit", "2"]


@pytest.mark.slow
def test_the_command_survives_a_kill_and_ends_with_the_papers_table(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out, log = tmp_path / "ab", tmp_path / "ab" / "nano" / "weak" / "losses.csv"
    command = [*COMMAND, "--steps", "12", "--metrics", "lipsync_world,guards", "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while not log.exists() or len(log.read_text().splitlines()) < 12:  # 11 steps; 10 are in last.pt
            assert running.poll() is None
            time.sleep(0.05)
        running.kill()
    assert not (log.parent / "weights.safetensors").exists()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "resume weak" in done.stderr and "train full" in done.stderr
    assert [row["step"] for row in csv.DictReader(log.open())] == [str(n) for n in range(1, 13)]
    content = json.loads((out / "nano" / "t5.json").read_text())
    lines = [row for row in content["rows"] if row["title"] == "Sync-C"]
    assert [row["paper"] for row in lines] == [6.48, 6.51] and all(row["scored"] or row["reason"] for row in lines)
    assert "Harmony (Base: Wan2.1)" in done.stdout
    again = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert "to be trained: nothing" in again.stderr and json.loads(again.stdout) == content
    refused = subprocess.run([*COMMAND, "--steps", "5", "--out", str(out)], capture_output=True, text=True, check=False)
    assert refused.returncode == 2 and "has 12 steps behind it" in refused.stderr
