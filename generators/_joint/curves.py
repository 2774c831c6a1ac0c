"""The loss curves of a training as one picture."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def plot(out: Path) -> None:
    """Writes `losses.png` from `losses.csv` and `probe.csv`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    losses, probes = pd.read_csv(out / "losses.csv"), pd.read_csv(out / "probe.csv")
    figure = Figure(figsize=(12, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for (task, modality), rows in {
        (task, modality): group.dropna(subset=[modality])
        for task, group in losses.groupby("task")
        for modality in ("video", "audio")
    }.items():
        if len(rows):
            left.plot(rows["step"], rows[modality].rolling(50, min_periods=1).mean(), label=f"{task} {modality}")
    left.set(xlabel="step", ylabel="loss (mean of 50)", yscale="log")
    for name, style in (("video_right", "C0-"), ("video_wrong", "C0:"), ("audio_right", "C1-"), ("audio_wrong", "C1:")):
        right.plot(probes["step"], probes[name], style, label=name.replace("_", ", ") + " driver")
    right.set(xlabel="step", ylabel="held-out driven error")
    for axes in (left, right):
        axes.legend(fontsize=8)
    figure.savefig(out / "losses.png", dpi=110)
