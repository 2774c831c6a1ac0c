"""docs/gate.md says what the command and the action take."""

from __future__ import annotations

import re
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
