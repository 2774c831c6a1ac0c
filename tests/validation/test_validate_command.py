"""`avbench validate` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

COMMAND = ("validate", "--clips", "made", "--faults", "mute,blur,wrong_caption", "--workers", "1")


@pytest.fixture
def bench(avbench_in: Any, tmp_path: Path) -> Any:
    bench = avbench_in(tmp_path)
    suite = bench.suite(*({"video_caption": f"noise {index}"} for index in range(5)))
    bench("generate", "-m", "toy", "-s", suite, "--out", "made", "--workers", "1")
    return bench


@pytest.mark.slow
def test_a_liar_is_named_and_the_command_fails(bench: Any, tmp_path: Path) -> None:
    done = bench(*COMMAND, "--metrics", "toy_honest,toy_liar", "--out", "v", code=1)
    assert "broken: toy_liar [signal] (toy_liar) promises: worse under mute; found: 50% of 5 clips" in done.stderr
    assert "broken: toy_liar [signal] (toy_liar) promises: ignores under blur" not in done.stderr
    record = json.loads((tmp_path / "v" / "validate.json").read_text())
    assert len(record["broken"]) == 1 and len(record["clips"]) == 5
    honest, liar = record["columns"]
    verdicts = {response["fault"]: response["verdict"] for response in honest["responses"]}
    assert verdicts == {"mute": "kept", "blur": "kept", "wrong_caption": "kept"}
    assert {r["fault"]: r["verdict"] for r in liar["responses"]}["mute"] == "broken"
    mute = next(response for response in honest["responses"] if response["fault"] == "mute")
    (point,) = mute["points"]
    assert point["asked"] == point["scored"] == 5 and point["ranking"][0] == 1.0 and point["mean"][0] == 0.0
    blur = next(response for response in liar["responses"] if response["fault"] == "blur")
    assert [point["value"] for point in blur["points"]] == [0.5, 1, 2, 4]


@pytest.mark.slow
def test_it_goes_on_where_it_stopped_and_is_the_same_for_any_workers(bench: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = (*COMMAND, "--metrics", "toy_honest", "--json")
    first = json.loads(bench(*command, "--out", "v").stdout)
    (tmp_path / "v" / "validate.json").unlink()
    again = bench(*command, "--out", "v", TOY_LOG=str(log))
    assert json.loads(again.stdout) == first and not log.exists()
    other = json.loads(bench(*command[:-3], "--metrics", "toy_honest", "--json", "--workers", "2", "--out", "w").stdout)
    assert {**other, "run": ""} == {**first, "run": ""}


def test_mistakes_are_said_before_any_work(avbench_in: Any, tmp_path: Path) -> None:
    bench = avbench_in(tmp_path)
    assert "unknown fault 'mut'; known: shift_audio" in bench("validate", "--faults", "mut", code=2).stderr
    assert "give --clips as well" in bench("validate", "--limit", "3", code=2).stderr
    assert not (tmp_path / "runs").exists()
