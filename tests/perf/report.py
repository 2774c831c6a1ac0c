"""How long a report in pages takes: 50 prompts x 3 models built from clips that differ, 500 x 5 opened.

    python tests/perf/report.py [FOLDER]

Prints seconds to build with clips linked (so without the copy), again with what the first has kept, and with clips
copied; then the size of the first page of 500 prompts x 5 models and the time Chromium takes until its table can be
used. Clips are 4 s at 128x128 with sound; scores are drawn at random.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from avbench.clips import identify
from avbench.evidence import gather
from avbench.export import export
from avbench.leaderboard import build
from avbench.ledger import Ledger
from avbench.media.mux import write
from avbench.parts import FolderReport, Media, Report
from avbench.records import Clip, Prompt, Sample, Score, SpeechLine, Suite
from avbench.registry import load
from avbench.results import read

METRICS = 24
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]


def sample(seed: int) -> Sample:
    """A textured picture that moves, and beats in noise."""
    drawn = np.random.default_rng(seed)
    time_axis = np.arange(64_640) / 16_000
    beats = np.exp(-15 * (time_axis % 0.4)) * drawn.normal(0, 0.2, time_axis.size)
    picture = np.repeat(np.repeat(drawn.integers(0, 256, (16, 16, 3), np.uint8), 8, 0), 8, 1)
    frames = np.stack([np.roll(picture, i, axis=1) for i in range(101)])
    return Sample(frames, Fraction(25), beats.astype(np.float32), 16_000)


def make(folder: Path, prompts: int, models: int, distinct: int) -> Path:
    """A run folder with random scores; `distinct` clips are encoded, the others are copies of them."""
    names = [f"metric_{i}" for i in range(METRICS)]
    columns = [{"name": n, "unit": "1", "direction": "up", "low": 0.0, "high": 1.0, "summary": n} for n in names]
    rows = [{**c, "source": "random", "guard": False, "backend": "signal", "version": "1"} for c in columns]
    line = (SpeechLine("The train to the coast leaves in ten minutes."),)
    asked = tuple(Prompt(f"p{i:04}", "s", f"Scene {i}.", "A beat.", line) for i in range(prompts))
    suite = Suite("s", "1", "0", asked)
    drawn, made = np.random.default_rng(0), 0
    with Ledger(folder) as ledger:
        ledger.put_fact("metric", "m", {"columns": columns, "backend": "signal", "version": "1"})
        ledger.put_prompts(suite, {prompt.id for prompt in suite.prompts})
        for m in range(models):
            ledger.ask(Clip(folder.resolve() / "clips" / f"m{m}" / f"{p.id}.mp4", p, f"m{m}") for p in suite.prompts)
            for entry in ledger.entries(f"m{m}", "s"):
                path, source = entry.clip.path, folder / "source" / f"{made % distinct}.mp4"
                path.parent.mkdir(parents=True, exist_ok=True)
                source.parent.mkdir(exist_ok=True)
                if not source.exists():
                    write(source, sample(made))
                shutil.copy(source, path)
                made += 1
                ledger.put_clip(entry.id, identify(path))
                scores = [Score(n, "signal", float(v)) for n, v in zip(names, drawn.random(METRICS), strict=True)]
                ledger.put_scores(entry.id, {"m": ("key", scores)})
        export(ledger)
    (folder / "run.json").write_text(json.dumps({"state": "done", "suites": {}, "columns": rows}))
    return folder


def pages(run: Path, out: Path, media: Media) -> tuple[float, float]:
    """Wall and CPU seconds of a whole report, from scores to the last page."""
    part = load(Report, "html")()
    assert isinstance(part, FolderReport)
    out.mkdir(exist_ok=True)
    wall, cpu = time.perf_counter(), time.process_time()
    results = read([run])
    part.write(gather(build(results.scores, results.measures), results), out, media)
    return time.perf_counter() - wall, time.process_time() - cpu


def opened(page: Path) -> list[tuple[float, float]]:
    """Seconds until the first page has its table sorted and painted, and of CPU of the page's thread; five times."""
    from playwright.sync_api import sync_playwright

    found: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as driver:
        path = shutil.which("chromium")
        context = driver.chromium.launch_persistent_context(folder, executable_path=path, args=FLAGS)
        for _ in range(5):
            tab = context.new_page()
            meter = context.new_cdp_session(tab)
            meter.send("Performance.enable", {"timeDomain": "threadTicks"})
            tab.goto(page.resolve().as_uri())
            painted = "new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
            wall = float(tab.evaluate(painted)) / 1000
            used = {metric["name"]: metric["value"] for metric in meter.send("Performance.getMetrics")["metrics"]}
            found.append((wall, used["TaskDuration"]))
            tab.close()
        context.close()
    return found


def main(folder: Path) -> None:
    run = make(folder / "small", 50, 3, 150)
    for name, media, out in (("linked", Media.LINK, "a"), ("again", Media.LINK, "a"), ("copied", Media.COPY, "b")):
        wall, cpu = pages(run, folder / out, media)
        print(f"50 prompts x 3 models, {name}: {wall:.1f} s ({cpu:.1f} s of CPU)", flush=True)
    run = make(folder / "large", 500, 5, 10)
    wall, cpu = pages(run, folder / "c", Media.LINK)
    index = folder / "c" / "index.html"
    size = index.stat().st_size / 1e6
    print(f"500 prompts x 5 models: built in {wall:.1f} s ({cpu:.1f} s of CPU), first page {size:.1f} MB")
    walls, cpus = zip(*opened(index), strict=True)
    print(f"opened in {sorted(walls)[2]:.2f} s ({sorted(cpus)[2]:.2f} s of CPU), the middle of five")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
