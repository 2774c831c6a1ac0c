"""docs/cli.md is the commands' own help, so that it cannot rot. `make docs` writes it anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command

from avbench.cli import app

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
HEAD = """# The command line

Every command's help as the command prints it. stdout carries the result, stderr the talk and the progress bars.

Exit codes: 0 done (`gate`: pass); 1 the gate failed; 2 the call or a config is wrong, said before any work starts;
3 incomplete (items failed beyond the budget, a required metric unavailable, nothing to score); 4 the gate is
inconclusive (only with `--strict`); 130 and 143 interrupted, resumable by the same call.
"""


def commands(command: Any, path: tuple[str, ...] = ("avbench",)) -> Iterator[tuple[str, str]]:
    """Every command with its help at a fixed width, depth first."""
    context = typer.Context(command, info_name=" ".join(path), terminal_width=100, max_content_width=100)
    yield " ".join(path), command.get_help(context)
    if isinstance(command, TyperGroup):
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), (*path, name))


def page() -> str:
    parts = [f"## {name}\n\n```text\n{text.rstrip()}\n```\n" for name, text in commands(get_command(app))]
    return HEAD + "\n" + "\n".join(parts)


def test_the_page_is_what_the_commands_say() -> None:
    if os.environ.get("AVBENCH_UPDATE_DOCS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


@pytest.mark.parametrize(("name", "text"), list(commands(get_command(app))))
def test_every_command_and_option_has_help(name: str, text: str) -> None:
    assert text.split("Options:")[0].strip().count("\n") >= 2, f"{name} has no sentence of help"
