"""A training as one page: its curves, what the metrics say of its samples, and the samples themselves, by step."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pandas as pd

SHOWN = 8  # the last steps whose samples are on the page
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1b1d21}"
    "img{max-width:100%}figure{margin:0;display:inline-block;width:11rem;vertical-align:top}"
    "video{width:10rem;height:10rem;background:#000;image-rendering:pixelated}figcaption{font-size:.8rem;color:#5a6069}"
)


def write_page(out: Path) -> Path:
    """Writes `samples.png` (a panel a metric, from samples.csv) and `index.html`; clips are linked where they lie."""
    scores = pd.read_csv(out / "samples.csv") if (out / "samples.csv").exists() else pd.DataFrame()
    parts = ['<h2>Losses</h2><img src="losses.png" alt="losses and held-out errors by step">'] if _there(out) else []
    if len(scores):
        _plot(scores, out / "samples.png")
        parts.append('<h2>Scores of the samples</h2><img src="samples.png" alt="means of the samples by step">')
        for step in sorted(scores["step"].unique(), reverse=True)[:SHOWN]:
            parts.append(f"<h2>Step {step}</h2>" + "".join(map(_figure, *_clips(out, int(step), scores))))
    page = out / "index.html"
    head = f'<!doctype html><meta charset="utf-8"><title>{escape(out.name)}</title><style>{STYLE}</style>'
    page.write_text(f"{head}<h1>{escape(out.name)}</h1>" + "\n".join(parts), encoding="utf-8")
    return page


def _there(out: Path) -> bool:
    return (out / "losses.png").exists()


def _clips(out: Path, step: int, scores: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Addresses of a step's clips, and what is said of each."""
    clips = sorted((out / "samples" / f"{step:06d}").glob("*.mp4"))
    said = []
    for clip in clips:
        rows = scores[(scores["step"] == step) & (scores["prompt"] == clip.stem) & scores["value"].notna()]
        said.append(", ".join(f"{row.metric} {row.value:.3g}" for row in rows.itertuples()))
    return [clip.relative_to(out).as_posix() for clip in clips], said


def _figure(address: str, said: str) -> str:
    name = escape(Path(address).stem)
    return (
        f'<figure><video controls preload="none" src="{escape(address)}"></video>'
        f"<figcaption><b>{name}</b> {escape(said)}</figcaption></figure>"
    )


def _plot(scores: pd.DataFrame, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(scores["metric"]))
    columns = min(5, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(3 * columns, 2.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for panel, name in zip(panels, names, strict=False):
        of = scores[scores["metric"] == name].groupby("step")["value"]
        means = of.mean()
        panel.plot(means.index, means, ".-")
        panel.set_title(f"{name} ({int(of.count().max())} of {int(of.size().max())} clips)", fontsize=8)
        panel.tick_params(labelsize=7)
    for panel in panels[len(names) :]:
        panel.axis("off")
    figure.savefig(path, dpi=100)
