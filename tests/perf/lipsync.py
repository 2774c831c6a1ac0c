"""What lip sync costs, stage by stage, and how much memory a long clip takes; with weights that see one face.

python tests/perf/lipsync.py CLIP         CPU seconds by stage, each over the whole clip, and of the streamed chain
python tests/perf/lipsync.py --cache CLIP with narrow networks: without a cache, into it, out of it; calls, memory
python tests/perf/lipsync.py --peak N     peak memory in MB of the chain over N s of 640x360 (networks left out)
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from instruments import Meter, cached, one_face, place
from numpy.typing import NDArray

from avbench.media.info import MediaInfo
from avbench.media.sweep import sweep
from avbench.metrics import _lipsync_tower as tower
from avbench.metrics._backbones import _checkpoint, s3fd, syncnet
from avbench.metrics._lipsync_crop import crops
from avbench.metrics._lipsync_score import sync
from avbench.metrics._lipsync_studio import Cast, Rule, Studio
from avbench.metrics._lipsync_track import PRESETS, tracks
from avbench.metrics.lipsync import LipSync
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView
from avbench.records import Clip, Prompt

Images = list[NDArray[np.uint8]]


@dataclass(frozen=True)
class Keep(VideoBackbone[Images]):
    view = VideoView()

    def open(self, info: MediaInfo) -> VideoExtractor[Images]:
        return Keeper()


class Keeper(VideoExtractor[Images]):
    def __init__(self) -> None:
        self.frames: Images = []

    def push(self, frames: Frames) -> None:
        self.frames += list(frames.data)

    def finish(self) -> Images:
        return self.frames


@contextmanager
def timed(stage: str) -> Iterator[None]:
    start = time.process_time()
    yield
    print(f"{stage:32s} {time.process_time() - start:7.2f} s")


def stages(path: Path) -> None:
    os.environ["AVBENCH_CACHE"] = "off"  # its entries are named by the official weights, which are not in use
    nets: dict[Callable[..., object], Any] = {
        s3fd.load: one_face(s3fd.S3FD()),
        syncnet.load: syncnet.SyncNet().eval().requires_grad_(False),
    }
    tower.network = _checkpoint.network = lambda load, id: nets[load]
    detector, net = nets[s3fd.load], nets[syncnet.load]
    with timed("decode to RGB"):
        features = sweep(path, [Keep(), tower.VoiceTrack()])
        frames, voice = features[Keep()], features[tower.VoiceTrack()]
    with timed("detect (S3FD)"):
        faces = s3fd.detect(detector, frames)
    with timed("shots at both thresholds"):
        shots = tower.Shots([27, 30])
        for slot, frame in enumerate(frames):
            shots.cuts(frame, slot)
    with timed("track, all presets"):
        found = [tracks(faces, preset) for preset in PRESETS.values()]
    (track,) = found[-1]
    with timed("crop"):
        cut = crops(frames, track)
    count = syncnet.windows(len(cut), len(voice.samples))
    with timed("embed lips (SyncNet)"):
        lip = syncnet.embed_lip(net, cut, count)
    with timed("embed sound (SyncNet)"):
        audio = syncnet.embed_audio(net, voice.samples, count)
    with timed("distances"):
        sync(lip, audio)
    with timed("all together, streamed"):
        features = sweep(path, LipSync.needs)
        LipSync().score(Clip(path, Prompt("p"), "model"), features)
    print(f"{len(frames)} frames of {frames[0].shape[1]}x{frames[0].shape[0]}, one face, {count} windows")


def peak(seconds: int) -> None:
    rng = np.random.default_rng(0)
    casts = {Rule.of(PRESETS[name]) for name in PRESETS}
    studio = Studio(lambda crops, count: np.zeros((count, 1024), np.float32))
    acts = [Cast(rule, studio) for rule in casts]
    held: dict[int, NDArray[np.uint8]] = {}
    for number in range(25 * seconds):
        held[number] = rng.integers(0, 256, (360, 640, 3), dtype=np.uint8)
        box = np.array([[200.0, 60, 400, 300, 0.99]]) + rng.normal(0, 1, 5)
        for act in acts:
            act.see(number, box, held)
        first = min(act.needs(number + 1) for act in acts)
        for old in [old for old in held if old < first]:
            del held[old]
    print(f"{seconds:4d} s: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    if sys.argv[1] == "--peak":
        peak(int(sys.argv[2]))
    elif sys.argv[1] == "--cache":
        with tempfile.TemporaryDirectory() as folder:
            meter = Meter()
            place(meter, Path(folder, "home"))
            cached(Path(sys.argv[2]), [LipSync()], meter, Path(folder, "features"))
    else:
        stages(Path(sys.argv[1]))
