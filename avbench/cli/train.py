"""`avbench train`: train a bundled model, scorer or decoder on the world."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avbench.cli._options import interruptible


def train(
    model: Annotated[str, typer.Argument(help="A model, scorer or decoder: `harmony`, `syncnet`, `vocoder` …")],
    out: Annotated[Path, typer.Option(help="Folder for the training set, checkpoints, loss curves and weights.")],
    preset: Annotated[
        str | None,
        typer.Option(
            help="`tiny` of a model, `world` of a scorer by default; `nano` is quick; `further` … go on --from weights."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in the folder.")] = False,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps in all, in place of the preset's.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Your own clips: a folder with captions.jsonl, in place of the world.")
    ] = None,
    begin: Annotated[
        Path | None, typer.Option("--from", help="Weights to begin with, such as a model's that ships; else none.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
) -> None:
    """Train a bundled model, scorer or decoder on the world; stopped, it saves, and `--resume` goes on to the same."""
    from avbench.errors import UsageError
    from avbench.registry import load_trainable
    from avbench.trainable import TrainableOnClips

    part = load_trainable(model)
    chosen = preset or part.presets[0]
    if data is not None and not issubclass(part, TrainableOnClips):
        raise UsageError(f"--data: {model} is trained on the world only")
    if begin is not None and not issubclass(part, TrainableOnClips):
        raise UsageError(f"--from: {model} begins with nothing; only generators begin with weights")
    with interruptible():
        if issubclass(part, TrainableOnClips):
            path = part.train(chosen, out, resume=resume, device=device, steps=steps, data=data, begin=begin)
        else:
            path = part.train(chosen, out, resume=resume, device=device, steps=steps)
    typer.echo(str(path))
