"""action.yml, its steps run as GitHub's runner runs them: inputs in, files, outputs and the exit code out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from avbench.snapshot import read, save

yaml = pytest.importorskip("yaml", reason="action.yml is read by PyYAML: pip install avbench[dev]")
if shutil.which("bash") is None:
    pytest.skip("the action's steps are bash scripts, and bash is absent", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
BASE = np.random.default_rng(0).normal(0.5, 0.1, 30)
CONFIG = "[metrics.sharp]\nmargin = 0.05\n"


def filled(text: str, context: Mapping[str, str]) -> str:
    """`${{ a.b }}` replaced, as far as action.yml goes: plain names. An unknown one is a KeyError, not nothing."""
    return re.sub(r"\$\{\{\s*([\w.]+)\s*\}\}", lambda found: context[found[1]], text)


@dataclass
class Ran:
    """What a job sees of the action: its exit code and outputs, the job's page and log."""

    code: int
    outputs: dict[str, str]
    summary: str
    log: str


def act(workspace: Path, temp: Path, given: Mapping[str, str], programs: Path = Path(sys.executable).parent) -> Ran:
    """Run the composite action in a checkout, with the variables and files that GitHub makes for a step."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert given.keys() <= action["inputs"].keys() and action["runs"]["using"] == "composite"
    missing = {name for name, known in action["inputs"].items() if known.get("required")} - given.keys()
    assert not missing, f"required: {missing}"
    context = {f"inputs.{k}": str(given.get(k, known.get("default", ""))) for k, known in action["inputs"].items()}
    path = os.pathsep.join([str(programs), "/usr/bin", "/bin"])
    code, summary, log = 0, "", ""
    for number, step in enumerate(action["runs"]["steps"]):
        assert step["shell"] == "bash"
        files = {f"GITHUB_{name}": temp / f"{number}-{name}" for name in ("OUTPUT", "ENV", "PATH", "STEP_SUMMARY")}
        for file in files.values():
            file.touch()
        env = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(workspace), "HOME": str(temp)}
        env |= {"PATH": path, "RUNNER_OS": "Linux", "RUNNER_TEMP": str(temp), "LANG": "C.UTF-8"}
        env |= {"GITHUB_ACTION_PATH": str(ROOT), **{name: str(file) for name, file in files.items()}}
        env |= {name: filled(str(value), context) for name, value in step.get("env", {}).items()}
        script = temp / f"{number}.sh"
        script.write_text(filled(step["run"], context), encoding="utf-8")
        words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        done = subprocess.run(words, env=env, cwd=workspace, capture_output=True, text=True, check=False)
        code, log = done.returncode, log + done.stdout + done.stderr
        summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        for line in files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            context[f"steps.{step['id']}.outputs.{name}"] = value
        if code:
            break
    context |= {f"steps.{s['id']}.outputs.verdict": "" for s in action["runs"]["steps"] if "id" in s} | context
    return Ran(code, {name: filled(known["value"], context) for name, known in action["outputs"].items()}, summary, log)


@pytest.fixture
def job(tmp_path: Path, make_run: Callable[..., Path]) -> Callable[..., Ran]:
    """Gates a candidate whose `sharp` is lower by `worse` than that of `baseline.json`, beside a `gate.toml`."""
    temp = tmp_path.parent / f"{tmp_path.name}-temp"
    temp.mkdir()
    (tmp_path / "gate.toml").write_text(CONFIG)

    def gate(
        worse: float = 0, *, prompts: int = 30, candidate: str = "new", digest: str = "d" * 64, **given: str
    ) -> Ran:
        make_run("good", {"sharp": BASE[:prompts]})
        make_run(candidate, {"sharp": BASE[:prompts] - worse}, digest=digest)
        save(read(tmp_path / "good"), tmp_path / "baseline.json")
        inputs = {"candidate": candidate, "baseline": "baseline.json", "config": "gate.toml", **given}
        return act(tmp_path, temp, inputs)

    return gate


def test_a_worse_candidate_is_a_red_job_that_says_why(job: Callable[..., Ran], tmp_path: Path) -> None:
    """Also under a name that a shell would run and a command line would take for an option."""
    name = "-new; $(touch bad) `touch bad`"
    ran = job(0.2, candidate=name, junit="out/j.xml")
    assert (ran.code, ran.outputs) == (1, {"verdict": "fail"})
    assert ran.summary.startswith("## ❌ avbench gate: FAIL") and "| FAIL | sharp \\[signal\\] ↑ |" in ran.summary
    assert "::error title=avbench gate%3A m · s · sharp [signal]::" in ran.log
    assert ElementTree.parse(tmp_path / "out" / "j.xml").getroot().get("failures") == "1"
    assert not (tmp_path / "bad").exists()


def test_a_candidate_that_is_the_same_is_green(job: Callable[..., Ran], tmp_path: Path) -> None:
    ran = job(strict="true")
    assert (ran.code, ran.outputs) == (0, {"verdict": "pass"}), ran.log
    assert ran.summary.startswith("## ✅") and "::error" not in ran.log
    assert (tmp_path / "avbench-gate.xml").is_file()


@pytest.mark.parametrize(("strict", "code"), [("false", 0), ("true", 4)])
def test_too_few_prompts_are_inconclusive_and_red_only_where_asked(
    strict: str, code: int, job: Callable[..., Ran]
) -> None:
    ran = job(prompts=5, strict=strict)
    assert (ran.code, ran.outputs) == (code, {"verdict": "inconclusive"})
    assert ran.summary.startswith("## ❔") and "::warning " in ran.log


def test_runs_that_cannot_be_compared_are_red_without_a_verdict(job: Callable[..., Ran]) -> None:
    ran = job(digest="e" * 64)
    assert (ran.code, ran.outputs) == (2, {"verdict": ""})
    assert "error: " in ran.log and "prompts" in ran.log


def test_a_job_without_avbench_gets_it_from_the_actions_own_checkout(
    make_run: Callable[..., Path], tmp_path: Path
) -> None:
    """The real gate, installed by a stand-in for pip, which would ask the network."""
    programs, temp = tmp_path / "bin", tmp_path / "temp"
    programs.mkdir()
    temp.mkdir()
    ours = Path(sys.executable).parent
    pip = f'echo "$@" > {tmp_path}/asked; ln -s {ours}/avbench {programs}/avbench'
    (programs / "python3").write_text(
        f'#!/bin/sh\nif [ "$2" = pip ]; then {pip}; else exec {sys.executable} "$@"; fi\n'
    )
    (programs / "python3").chmod(0o755)
    save(read(make_run("good", {"av_align": BASE})), tmp_path / "baseline.json")
    ran = act(tmp_path, temp, {"candidate": "baseline.json", "baseline": "baseline.json"}, programs)
    assert (tmp_path / "asked").read_text() == f"-m pip install --quiet {ROOT}\n"
    assert (ran.code, ran.outputs) == (0, {"verdict": "pass"}), ran.log


def test_the_documented_workflow_hands_the_action_what_it_takes(make_run: Callable[..., Path], tmp_path: Path) -> None:
    """The job of docs/gate.md from the step after `avbench run` on: same paths, same inputs."""
    (workflow, _) = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
    steps: list[dict[str, Any]] = workflow["jobs"]["gate"]["steps"]
    ran, gate = steps[-2], steps[-1]
    folder = re.fullmatch(r"avbench run .* --out (\S+)", ran["run"])
    assert folder is not None and gate["uses"].endswith("/avbench@main")
    (tmp_path / "runs").mkdir()
    run = make_run(folder[1], {"av_align": BASE})
    save(read(run), tmp_path / "baseline.json")
    (tmp_path / "temp").mkdir()
    done = act(tmp_path, tmp_path / "temp", gate["with"])
    assert (done.code, done.outputs) == (0, {"verdict": "pass"}), done.log
