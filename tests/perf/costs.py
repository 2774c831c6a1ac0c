"""What each metric costs: CPU seconds for a second of clip, measured in this process, written to metrics/costs.csv.

    python tests/perf/costs.py [METRIC …]

Without names all metrics are measured; with names, those alone, and the other rows stay. The clip has 24 frames a
second of 448 x 256 and sound; a metric over frames is shown as few of them as it takes, and what they cost is counted
for 24 a second. Networks have their official shapes and random weights, on which the seconds do not depend. Only the
metric's backbones run: neither decoding nor loading is counted.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import pkgutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import soxr
import torch

import avbench.metrics._backbones as backbones
from avbench.media.info import AudioInfo, MediaInfo, VideoInfo
from avbench.metrics._backbones import _checkpoint, _state, audiobox
from avbench.parts import Audio, AudioBackbone, Backbone, Frames, Metric, VideoBackbone
from avbench.registry import load, names

FPS, HEIGHT, WIDTH, RATE = 24, 256, 448, 16_000
SECONDS = 5.0
FILE = Path(__file__).resolve().parents[2] / "metrics" / "costs.csv"
FEW = {  # frames shown where each of them costs seconds; the first of them is a warm-up where a second follows
    "ManiqaScores": 1,
    "SiglipScores": 2,
    "ClipLargeFrames": 3,
    "Dinov3Frames": 3,
    "DinoFrames": 4,
    "DinoSquares": 4,
    "ClipFrames": 8,
    "MusiqSpaq": 3,
    "MusiqKoniq": 3,
    "MeanFlow": 3,
    "DynamicFlow": 7,
    "MiddleFrames": 5,
    "ImageBindFrames": 3,
}
PAIRS = {"MeanFlow": 1, "DynamicFlow": 3, "MiddleFrames": 2}  # frames that a pair is apart
HOW = "tests/perf/costs.py: 448 x 256, 24 frames a second, one core"
NOTES = {
    "judge": "without the calls of the service",
    "lipsync": "of a clip in which random weights find no face: detection alone",
    "lipsync_jpeg": "of a clip in which random weights find no face: detection alone",
    "lipsync_world": "of a clip without a face",
}
UNMEASURED = {  # what their backbones take is not what they cost
    "cpcer": "not measured: no network, it reads CLIP.speakers.txt",
    "wer": "not measured: Whisper runs once a clip, after the backbones",
    "wer_world": "not measured: the recogniser runs once a clip, after the backbones",
}
AUDIOBOX = {  # what shapes its network, as in the official config.json
    "proj_num_layer": 5,
    "proj_ln": True,
    "proj_act_fn": "gelu",
    "proj_dropout": 0.0,
    "nth_layer": 13,
    "use_weighted_layer_sum": True,
    "precision": "32",
    "normalize_embed": True,
    "output_dim": 1,
    "target_transform": {axis: {"mean": 0.0, "std": 1.0} for axis in ("CE", "CU", "PC", "PQ")},
}
WHOLE = {"ViclipVideo", "I3dLogits"}  # a clip costs the same whatever its length


def clip() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """5 s of squares that drift, and noise in bursts."""
    rng = np.random.default_rng(0)
    squares = rng.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    frames = np.stack([np.roll(squares, (t, 3 * t), (0, 1)) for t in range(int(SECONDS * FPS))])
    bursts = (np.arange(int(SECONDS * RATE)) // 4000 % 2).astype(np.float32)
    return frames, (rng.normal(0, 0.1, len(bursts)).astype(np.float32) * bursts)


def info() -> MediaInfo:
    count = int(SECONDS * FPS)
    video = VideoInfo(0, "raw", "rgb24", WIDTH, HEIGHT, 0, Fraction(FPS), 0.0, SECONDS, None)
    audio = AudioInfo(1, "raw", RATE, 1, 0.0, SECONDS)
    found = MediaInfo(Path("array"), "array", video, audio)
    return replace(found, decoded_frames=count, corrupt_frames=0, video_seconds=SECONDS, audio_seconds=SECONDS)


def random_networks() -> None:
    """Networks of official shape without files."""

    def build(make: Callable[[], Any], state: Any, source: str, unused: Any = ()) -> Any:
        return make().eval().requires_grad_(False)

    _checkpoint.locate = lambda id, allow_unverified=None: Path("/dev/null")
    for found in pkgutil.iter_modules(backbones.__path__):
        module: Any = importlib.import_module(f"{backbones.__name__}.{found.name}")
        for name, stand_in in (("build", build), ("read_state", lambda path, under=None: {})):
            if hasattr(module, name):
                setattr(module, name, stand_in)
    _state.read_state = lambda path, under=None: {}
    _state.build = build
    audiobox.locate = _checkpoint.locate
    audiobox.read_config = lambda path: AUDIOBOX


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def price(backbone: Backbone[Any], frames: Any, samples: Any) -> float:
    """CPU seconds of one backbone for a second of clip."""
    facts = info()
    if isinstance(backbone, AudioBackbone):
        rate = backbone.view.rate or RATE
        heard = samples if rate == RATE else soxr.resample(samples, RATE, rate).astype(np.float32)
        heard = heard if backbone.view.mono else heard[:, None]
        backbone.extract(Audio(heard, rate, 0.0), facts)
        return seconds(lambda: backbone.extract(Audio(heard, rate, 0.0), facts)) / SECONDS
    assert isinstance(backbone, VideoBackbone)
    view, name = backbone.view, type(backbone).__name__
    step = round(FPS / view.fps) if view.fps else 1
    shown = frames[::step]
    side = view.short_side
    size = (side, side * WIDTH // HEIGHT) if side else view.size
    if size:
        shown = np.stack([cv2.resize(f, size[::-1], interpolation=cv2.INTER_AREA) for f in shown])
    count = FEW.get(name, len(shown))
    times = np.arange(len(shown)) * step / FPS

    def run(part: slice) -> None:
        extractor = backbone.open(facts)
        for start in range(part.start, part.stop, 16):
            end = min(start + 16, part.stop)
            extractor.push(Frames(shown[start:end], times[start:end]))
        extractor.finish()

    if name in PAIRS:  # one pair, and again with another one: the difference is a pair
        apart = PAIRS[name] if name != "MiddleFrames" else 2
        run(slice(0, apart + 1))
        one, two = seconds(lambda: run(slice(0, apart + 1))), seconds(lambda: run(slice(0, 2 * apart + 1)))
        return (two - one) * FPS / apart
    if count > 1 and name in FEW:
        run(slice(0, 1))
    spent = seconds(lambda: run(slice(0, count)))
    if name in WHOLE:
        return spent / SECONDS
    return spent * len(shown) / count / SECONDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("metrics", nargs="*")
    asked = parser.parse_args().metrics
    here = Path(__file__).resolve().parent
    sys.path[:] = [p for p in sys.path if Path(p).resolve() != here]  # statistics.py beside this would hide Python's
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random_networks()
    frames, samples = clip()
    rows = {row["metric"]: row for row in csv.DictReader(FILE.read_text().splitlines())} if FILE.exists() else {}
    found: dict[Backbone[Any], float] = {}
    for name in asked or names(Metric):
        total, why = 0.0, ""
        for backbone in load(Metric, name).needs:
            try:
                if backbone not in found:
                    found[backbone] = price(backbone, frames, samples)
                total += found[backbone]
            except Exception as error:
                why = str(error).split(";")[0]
        why = UNMEASURED.get(name, f"not measured: {why}" if why else "")
        how = "; ".join(filter(None, (HOW, NOTES.get(name))))
        rows[name] = {"metric": name, "seconds": "" if why else f"{total:.3g}", "how": why or how}
        print(f"{name:26}{rows[name]['seconds']:>10}  {why}", flush=True)
        keep(rows)


def keep(rows: Mapping[str, Mapping[str, str]]) -> None:
    with FILE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["metric", "seconds", "how"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[name] for name in sorted(rows))


if __name__ == "__main__":
    main()
