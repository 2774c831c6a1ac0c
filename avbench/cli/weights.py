"""`avbench weights`: pull, verify, and where."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from avbench.weights import Verdict, Weights, find, home, path_of, table, verify

if TYPE_CHECKING:
    from tqdm import tqdm

app = typer.Typer(help="Official checkpoints: fetch them, check them, see where they lie.", no_args_is_help=True)
Ids = Annotated[list[str] | None, typer.Argument(help="Ids of `avbench list weights`; all when none is named.")]
AsJson = Annotated[bool, typer.Option("--json", help="Rows as JSON on stdout.")]


def _chosen(ids: list[str] | None) -> list[Weights]:
    return [find(id) for id in ids] if ids else list(table().values())


def _show(bar: tqdm[NoReturn], received: int, total: int | None) -> None:
    bar.total = total
    bar.update(received - bar.n)


@app.command("pull")
def pull_command(ids: Annotated[list[str], typer.Argument(help="Ids of `avbench list weights`, or `all`.")]) -> None:
    """Download, verify and put in place; an interrupted download goes on where it stopped."""
    from tqdm import tqdm

    from avbench.download import DownloadError, pull  # loads the network's libraries

    failed = False
    for weights in _chosen(None if ids == ["all"] else ids):
        if weights.commercial == "no":
            typer.echo(f"{weights.id}: licence {weights.licence} forbids commercial use", err=True)
        with tqdm(unit="B", unit_scale=True, desc=weights.id) as bar:
            try:
                path = pull(weights, partial(_show, bar))
            except DownloadError as error:
                typer.echo(f"error: {error}", err=True)
                failed = True
                continue
        typer.echo(str(path))
    if failed:
        raise typer.Exit(DownloadError.exit_code)


@app.command("verify")
def verify_command(ids: Ids = None, as_json: AsJson = False) -> None:
    """Read every file and say whether it is the official one; exit 3 when one is wrong."""
    verdicts = {w.id: verify(w) for w in _chosen(ids)}
    if as_json:
        typer.echo(json.dumps([{"name": id, "verdict": verdict} for id, verdict in verdicts.items()], indent=1))
    else:
        for id, verdict in verdicts.items():
            typer.echo(f"{id:28} {verdict}")
    bad = {Verdict.WRONG, Verdict.MISSING} if ids else {Verdict.WRONG}
    if bad & set(verdicts.values()):
        raise typer.Exit(3)


@app.command("where")
def where_command(ids: Ids = None) -> None:
    """Print the folder of checkpoints, or the path of each one named."""
    for line in [path_of(find(id)) for id in ids] if ids else [home()]:
        typer.echo(str(line))
