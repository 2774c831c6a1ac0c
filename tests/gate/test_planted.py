"""Planted regressions, from prompt to exit code: each turns the gate red and the right metric is named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
METRICS = "onset_offset,lip_envelope,temporal_flickering,guards,wer_world"
MODELS = ("truth", "shifted", "noisy", "silent")
CONFIG = """
[metrics.lip_envelope_lag]
margin = 0.1
[metrics.lip_envelope_corr]
margin = 0.1
[metrics.temporal_flickering]
margin = 0.003
[metrics.wer_corpus]
margin = 0.1
"""


class Planted:
    """Runs of the planted models on the same 20 prompts."""

    def __init__(self, folder: Path, avbench: Any) -> None:
        self.folder, self.avbench = folder, avbench
        (folder / "kept").mkdir()
        shutil.copy(HERE / "planted.py", folder / "avbench_planted.py")
        info = folder / "avbench_planted-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: avbench-planted\nVersion: 1\n")
        lines = [f"{name} = avbench_planted:{name.title()}" for name in MODELS]
        (info / "entry_points.txt").write_text("[avbench.generators]\n" + "\n".join(lines) + "\n")
        prompts = (HERE.parents[1] / ".ci" / "gate" / "prompts.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [json.dumps(json.loads(line) | {"seconds": 1.4}) for line in prompts[:20]]
        (folder / "talkers.jsonl").write_text("\n".join(rows), encoding="utf-8")
        (folder / "gate.toml").write_text(CONFIG)

    def run(self, model: str, name: str, *more: str) -> None:
        self.avbench(
            *("run", "-m", model, "-s", "talkers.jsonl", "--metrics", METRICS, "--workers", "0", "--out", name, *more),
            PYTHONPATH=os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")]),
            PLANTED=str(self.folder / "kept"),
        )

    def gate(self, name: str, code: int, *more: str, baseline: str = "good.json") -> dict[str, Any]:
        words = ("gate", name, "--baseline", baseline, "--config", "gate.toml", "--json", *more)
        found: dict[str, Any] = json.loads(self.avbench(*words, code=code).stdout)
        return found


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, avbench_in: Callable[[Path], Any]) -> Planted:
    folder = tmp_path_factory.mktemp("planted")
    made = Planted(folder, avbench_in(folder))
    made.run("truth", "good")
    made.avbench("gate", "good", "--save", "good.json")
    return made


def failing(found: dict[str, Any]) -> set[str]:
    return {check["name"] for check in found["checks"] if check["verdict"] == "fail"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "named", "spared"),
    [
        ("shifted", {"lip_envelope_lag"}, {"temporal_flickering", "silent"}),
        ("noisy", {"temporal_flickering"}, {"lip_envelope_lag", "silent"}),
        ("silent", {"silent", "wer_corpus"}, {"temporal_flickering"}),
    ],
)
def test_a_planted_fault_turns_the_gate_red_by_its_own_name(
    model: str, named: set[str], spared: set[str], planted: Planted
) -> None:
    planted.run(model, model)
    found = planted.gate(model, 1)
    assert found["verdict"] == "fail"
    assert named <= failing(found) and not spared & failing(found), found["checks"]


@pytest.mark.slow
def test_the_same_model_again_passes(planted: Planted) -> None:
    planted.run("truth", "again")
    found = planted.gate("again", 0, "--strict")
    assert found["verdict"] == "pass"
    assert {check["effect"] for check in found["checks"] if check["kind"] == "metric"} == {0.0}


@pytest.mark.slow
def test_five_prompts_are_inconclusive(planted: Planted) -> None:
    planted.run("truth", "few", "--limit", "5")
    assert planted.gate("few", 0, baseline="few")["verdict"] == "inconclusive"
    planted.gate("few", 4, "--strict", baseline="few")
    assert failing(planted.gate("few", 1)) == {"missing clips"}
