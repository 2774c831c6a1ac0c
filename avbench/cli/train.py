"""`avbench train`: train a bundled model on the world."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avbench.cli._options import interruptible


def train(
    model: Annotated[str, typer.Argument(help="A trainable model, such as `harmony`.")],
    out: Annotated[Path, typer.Option(help="Folder for the training set, checkpoints, loss curves and weights.")],
    preset: Annotated[str, typer.Option(help="`tiny` is what ships; `nano` trains in a minute.")] = "tiny",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in the folder.")] = False,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps in all, in place of the preset's.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
) -> None:
    """Train a bundled model on the world; interrupted, it saves and `--resume` goes on to the same weights."""
    from avbench.errors import UsageError
    from avbench.parts import Generator, Trainable
    from avbench.registry import load

    part = load(Generator, model)
    if not issubclass(part, Trainable):
        raise UsageError(f"{model} cannot be trained here")
    with interruptible():
        path = part.train(preset, out, resume=resume, device=device, steps=steps)
    typer.echo(str(path))
