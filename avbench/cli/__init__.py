"""The command line, one file a command. Nothing heavy is imported before a command has work to do."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer

from avbench import __version__
from avbench.cli.ablate import ablate
from avbench.cli.compare import compare
from avbench.cli.doctor import doctor
from avbench.cli.gate import gate
from avbench.cli.generate import generate
from avbench.cli.list import list_parts
from avbench.cli.reference import reference
from avbench.cli.report import report
from avbench.cli.run import run
from avbench.cli.score import score
from avbench.cli.train import train
from avbench.cli.validate import validate
from avbench.cli.weights import app as weights
from avbench.errors import AvbenchError


class App(typer.Typer):
    """Prints the errors that are the user's to mend in one line; AVBENCH_DEBUG=1 keeps their traceback."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except AvbenchError as error:
            if os.environ.get("AVBENCH_DEBUG"):
                raise
            print(f"error: {error}", file=sys.stderr)
            sys.exit(error.exit_code)


app = App(
    name="avbench",
    help="The evaluation suite for joint audio-video generation: generate, score, compare, gate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (run, generate, score, reference, report, compare, gate, validate, train, ablate, doctor):
    app.command()(command)
app.command("list")(list_parts)
app.add_typer(weights, name="weights")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    debug: bool = typer.Option(False, "--debug", help="Keep tracebacks, also those of workers."),
) -> None:
    if debug:
        os.environ["AVBENCH_DEBUG"] = "1"
