"""docs/gate.md and action.yml say what the command does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from avbench.gate.config import default_text

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")


def test_the_page_shows_the_config_that_ships() -> None:
    assert f"```toml\n{default_text()}```" in PAGE


def test_recipes_are_yaml_and_name_options_that_exist() -> None:
    yaml = pytest.importorskip("yaml")
    recipes = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    assert [next(key for key in recipe if key in ("jobs", "quality")) for recipe in recipes] == ["jobs", "quality"]
    given = recipes[0]["jobs"]["gate"]["steps"][-1]["with"]
    assert given.keys() <= yaml.safe_load((ROOT / "action.yml").read_text())["inputs"].keys()
    cli = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8").split("## avbench gate\n")[1].split("\n## ")[0]
    assert set(re.findall(r"avbench gate [^\n]*?(--[\w-]+)", PAGE)) <= set(re.findall(r"--[\w-]+", cli))


@pytest.mark.skipif(shutil.which("bash") is None, reason="the action's step is a bash script, and bash is absent")
@pytest.mark.parametrize(("code", "verdict"), [(0, "pass"), (1, "fail"), (2, "")])
def test_the_action_hands_on_verdict_and_exit_code(code: int, verdict: str, tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    (step,) = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    fake = tmp_path / "avbench"
    text = f'{{"verdict": "{verdict}"}}' if verdict else ""
    fake.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > args\necho '{text}'\nexit {code}\n")
    fake.chmod(0o755)
    env = dict.fromkeys(step["env"], "") | {"CANDIDATE": "-new; $(touch bad)", "BASELINE": "b c.json", "JUNIT": "j"}
    env |= {"GITHUB_OUTPUT": str(tmp_path / "out"), "GITHUB_STEP_SUMMARY": "s", "RUNNER_TEMP": str(tmp_path)}
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(["bash", "-e", "-c", step["run"]], env={**env, "PATH": path}, cwd=tmp_path, check=False)
    assert done.returncode == code
    assert (tmp_path / "out").read_text() == (f"verdict={verdict}\n" if verdict else "")
    words = (tmp_path / "args").read_text().splitlines()
    assert words == ["gate", "--baseline=b c.json", "--junit=j", "--summary=s", "--json", "--", "-new; $(touch bad)"]
    assert not (tmp_path / "bad").exists()
