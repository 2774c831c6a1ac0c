"""The metrics that need official weights, all together over 20 clips, against a pass for each, and from the cache.

python tests/perf/paper.py [CLIPS]

Prints CPU seconds outside and inside the networks. The networks are narrow (see instruments.py): what is measured is
everything around them. $AVBENCH_SHARED names the folder with `media`, the real clips; the others are of the world.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from instruments import Cost, Meter, cost, peak_mb, place, prompt, score

from avbench import cache
from avbench.executor import ONE_THREAD
from avbench.media.mux import write
from avbench.parts import Metric
from avbench.records import Sample
from avbench.registry import load
from avbench.world.render import render

NAMES = ("lipsync", "desync", "imagebind", "javis_score", "clap", "clap_score", "audiobox", "wer")


def clips(folder: Path, count: int) -> list[Path]:
    """The real clips, and talking faces of 256 x 256 and 4 s to make up the number."""
    media = Path(os.environ.get("AVBENCH_SHARED", Path(__file__).parents[3] / "shared")) / "media"
    for file in sorted(media.glob("*")):
        if file.suffix in (".mp4", ".mpg", ".wav"):
            shutil.copy(file, folder)
    found = sorted(path for path in folder.iterdir() if path.suffix != ".wav")[:count]
    for seed in range(count - len(found)):
        take = render(prompt(f"world{seed}"), seed=seed, size=256, seconds=4.04)
        path = folder / f"world{seed}.mp4"
        write(path, Sample(take.frames, take.fps, take.audio, take.sample_rate))
        found.append(path)
    return found


def added(costs: Iterable[Cost]) -> Cost:
    """Their sum."""
    known = list(costs)
    return Cost(sum(c.outside for c in known), sum(c.inside for c in known), sum(c.calls for c in known))


def main(count: int) -> None:
    meter = Meter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place(meter, folder / "home")
        metrics = [load(Metric, name)() for name in NAMES]
        (folder / "clips").mkdir()
        paths = clips(folder / "clips", count)
        score(paths[0], metrics)  # imports, filters

        print(f"{count} clips, {len(metrics)} metrics; CPU seconds a clip{'':13}outside    inside   calls")

        def report(title: str, found: Cost) -> Cost:
            each = (found.outside / count, found.inside / count, found.calls / count)
            print("  {:<46}{:10.2f}{:10.2f}{:8.0f}".format(title, *each), flush=True)
            return found

        def over(*chosen: Metric) -> Cost:
            return cost(meter, lambda: all(score(path, chosen) for path in paths))

        # clip by clip, to and fro: whatever slows the machine down, or warms it up, does so to all passes alike
        rounds = ((), *((metric,) for metric in metrics), tuple(metrics))
        by_pass: list[list[Cost]] = [[] for _ in rounds]
        for turn, path in enumerate(paths):
            order = range(len(rounds)) if turn % 2 else reversed(range(len(rounds)))
            for index in order:
                by_pass[index].append(cost(meter, partial(score, path, rounds[index])))
        decoding, *apart, together = map(added, by_pass)
        report("decoding alone", decoding)
        for name, found in zip(NAMES, apart, strict=True):
            report(f"{name} alone", found)
        total = report("sum of the separate passes", added(apart))
        report("all together", together)
        os.environ[cache.SWITCH] = str(folder / "features")
        report("all together, into an empty cache", over(*metrics))
        report("all together, out of the cache", over(*metrics))
        usage = cache.Cache(folder / "features", 1).usage()
        print(
            f"outside {total.outside / together.outside:.2f} x less, inside {total.inside / together.inside:.2f} x less"
        )
        print(f"cache: {usage.entries / count:.0f} entries, {usage.bytes / count / 1e6:.2f} MB a clip")
        print(f"memory: {peak_mb()} MB")


if __name__ == "__main__":
    os.environ.update(ONE_THREAD)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
