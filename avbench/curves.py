"""The curves of a training as one picture."""

from __future__ import annotations

from pathlib import Path

from avbench.errors import UsageError

SMOOTH = 50  # steps averaged into a point of a loss curve


def require_plotting() -> None:
    """Raises UsageError at the start of a training rather than at its first curve."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise UsageError("training draws its curves with matplotlib: pip install 'avbench[train]'") from error


def plot(out: Path) -> None:
    """Writes `losses.png` from `losses.csv` and `probe.csv`: losses left, one panel a held-out figure beside them."""
    import pandas as pd
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    losses, probes = pd.read_csv(out / "losses.csv"), pd.read_csv(out / "probe.csv")
    names = [name for name in probes.columns if name != "step"]
    figure = Figure(figsize=(5 + 3 * len(names), 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, *panels = figure.subplots(1, 1 + len(names), squeeze=False)[0]
    for name in losses.columns.drop(["step", "rate", "seconds"]):
        left.plot(losses["step"], losses[name].rolling(SMOOTH, min_periods=1).mean(), label=name)
    left.set(xlabel="step", ylabel=f"loss (mean of {SMOOTH})")
    left.legend(fontsize=8)
    for panel, name in zip(panels, names, strict=True):
        panel.plot(probes["step"], probes[name], ".-")
        panel.set(xlabel="step", title=f"held out: {name}")
    figure.savefig(out / "losses.png", dpi=110)
