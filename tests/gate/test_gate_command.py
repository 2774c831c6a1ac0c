"""`avbench gate` as a CI job calls it: exit codes, files, and the mistakes people make."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from avbench.cli import app
from avbench.errors import AvbenchError

MakeRun = Callable[..., Path]
BASE = np.random.default_rng(0).normal(0.5, 0.1, 30)
CONFIG = "[metrics.sharp]\nmargin = 0.05\n"


def run(*words: str | Path, code: int = 0, **env: str) -> Result:
    """The command in this process; an error of the user's is told as the process tells it."""
    done = CliRunner().invoke(app, ["gate", *map(str, words)], env=env)
    got = done.exception.exit_code if isinstance(done.exception, AvbenchError) else done.exit_code
    assert got == code, (done.output, done.exception)
    return done


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "gate.toml").write_text(CONFIG)
    return tmp_path / "gate.toml"


def test_exit_codes_are_those_that_the_help_promises(make_run: MakeRun, config: Path) -> None:
    base, worse = make_run("base", {"sharp": BASE}), make_run("worse", {"sharp": BASE - 0.2})
    few = make_run("few", {"sharp": BASE[:5]})
    run(base, "--baseline", base, "--config", config)
    run(worse, "--baseline", base, "--config", config, code=1)
    run(few, "--baseline", few, "--config", config)
    run(few, "--baseline", few, "--config", config, "--strict", code=4)
    run(make_run("none", {"sharp": []}), "--baseline", base, "--config", config, code=3)
    run(base, "--baseline", make_run("other", {"sharp": BASE}, digest="e" * 64), "--config", config, code=2)


@pytest.mark.parametrize(
    "words", [[], ["nowhere"], ["nowhere", "--baseline", "nowhere"], ["run", "--baseline", "nowhere.json"], ["run"]]
)
def test_wrong_calls_exit_with_2(
    words: list[str], make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run("run", {"sharp": BASE})
    monkeypatch.chdir(tmp_path)
    run(*words, code=2)


def test_an_unknown_metric_in_the_config_is_no_pass(make_run: MakeRun, config: Path) -> None:
    base = make_run("base", {"sharp": BASE})
    config.write_text(CONFIG + "[metrics.sharpness]\nmargin = 1\n")
    assert "metrics.sharpness" in str(run(base, "--baseline", base, "--config", config, code=2).exception)


def test_all_forms_are_written_and_stdout_is_json_alone(make_run: MakeRun, config: Path, tmp_path: Path) -> None:
    base, worse = make_run("base", {"sharp": BASE}), make_run("worse", {"sharp": BASE - 0.2})
    files = "--junit", tmp_path / "j.xml", "--summary", tmp_path / "s.md", "--save", tmp_path / "b.json"
    done = run(worse, "--baseline", base, "--config", config, "--json", *files, code=1)
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    failed = [check["name"] for check in found["checks"] if check["verdict"] == "fail"]
    assert (found["verdict"], failed) == ("fail", ["sharp"])
    check = next(check for check in found["checks"] if check["name"] == "sharp")
    assert {"effect", "low", "high", "p", "p_adjusted", "mde", "n", "margin"} <= check.keys()
    assert ElementTree.parse(tmp_path / "j.xml").getroot().get("failures") == "1"
    assert "sharp" in (tmp_path / "s.md").read_text(encoding="utf-8")
    run(worse, "--baseline", tmp_path / "b.json", "--config", config)


def test_on_github_the_summary_is_added_to_and_annotations_go_to_stderr(
    make_run: MakeRun, config: Path, tmp_path: Path
) -> None:
    base, worse = make_run("base", {"sharp": BASE}), make_run("worse", {"sharp": BASE - 0.2})
    page = tmp_path / "summary.md"
    page.write_text("# before\n")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    done = run(worse, "--baseline", base, "--config", config, "--summary", page, "--json", code=1, **env)
    assert page.read_text(encoding="utf-8").startswith("# before\n## ❌ avbench gate")
    assert done.stderr.startswith("::error title=avbench gate%3A m · s · sharp [signal]::")
    json.loads(done.stdout)


def test_init_writes_once_and_what_it_writes_works(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    base = make_run("base", {"sharp": BASE, "loud": BASE})
    run("--init")
    assert "av_align" in tomllib.loads((tmp_path / "gate.toml").read_text())["metrics"]
    assert "is there already" in str(run("--init", code=2).exception)
    run(base, "--init", "--config", "own.toml")
    run(base, "--baseline", base, "--config", "own.toml")


def test_the_process_says_errors_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "avbench", "gate", "nowhere", "--baseline", "nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: nowhere") and done.stderr.count("\n") == 1
