"""What a sweep costs: four views asked together against apart, and peak memory against the clip's length.

python tests/perf/media.py            both tables
python tests/perf/media.py --peak F   the peak memory of one sweep over F, in MB (the first command runs it)
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from avbench.media.info import MediaInfo
from avbench.media.mux import write
from avbench.media.sweep import sweep
from avbench.parts import Audio, AudioBackbone, AudioView, Frames, VideoBackbone, VideoExtractor, VideoView
from avbench.records import Sample

REPEATS = 5


class Count(VideoExtractor[int]):
    """Looks at every chunk and keeps none."""

    def __init__(self) -> None:
        self.frames = 0

    def push(self, frames: Frames) -> None:
        self.frames += len(frames.data)

    def finish(self) -> int:
        return self.frames


@dataclass(frozen=True)
class Full(VideoBackbone[int]):
    view = VideoView()

    def open(self, info: MediaInfo) -> VideoExtractor[int]:
        return Count()


@dataclass(frozen=True)
class Small(Full):
    view = VideoView(size=(224, 224))


@dataclass(frozen=True)
class Short(Full):
    view = VideoView(short_side=256, filter="bilinear")


@dataclass(frozen=True)
class Slow(Full):
    view = VideoView(fps=8, size=(384, 384), filter="bicubic")


@dataclass(frozen=True)
class Loud(AudioBackbone[float]):
    view = AudioView(16_000)

    def extract(self, audio: Audio, info: MediaInfo) -> float:
        return float(np.abs(audio.samples).max())


VIEWS = (Full(), Small(), Short(), Slow())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "5.mp4"
        write(clip, moving_noise(seconds=5))
        print(
            f"5 s of 1280x720 at 25 fps, {clip.stat().st_size * 8 / 5e6:.1f} Mbit/s, best of {REPEATS}, seconds of CPU"
        )
        one = best(lambda: sweep(clip, VIEWS[:1]))
        resizes = resize_time()
        together = best(lambda: sweep(clip, VIEWS))
        apart = sum(best(lambda view=view: sweep(clip, [view])) for view in VIEWS)  # type: ignore[misc]
        print(f"one decode to RGB  {one:6.3f}\nthe resizes alone  {resizes:6.3f}")
        print(f"four views together {together:5.3f} = {together / (one + resizes):.2f} x (one decode + the resizes)")
        print(f"four views apart   {apart:6.3f} = {apart / together:.2f} x together")
        print("\nlength  peak memory of one sweep with four views and audio")
        for seconds in (5, 15, 30, 60):
            looped = Path(folder) / f"loop{seconds}.mp4"
            loop(clip, looped, seconds // 5)
            peak = subprocess.check_output([sys.executable, __file__, "--peak", str(looped)], text=True)
            print(f"{seconds:4d} s  {peak.strip()} MB")


def moving_noise(seconds: int) -> Sample:
    """A drifting texture under grain: as hard to decode as a detailed real clip."""
    rng = np.random.default_rng(0)
    texture = cv2.resize(rng.integers(0, 256, (90, 160, 3), np.uint8), (1600, 900), interpolation=cv2.INTER_CUBIC)
    frames = np.stack([texture[i : i + 720, 2 * i : 2 * i + 1280] for i in range(25 * seconds)]).astype(np.uint8)
    for frame in frames:
        frame[:] = np.clip(frame + rng.normal(0, 2, (720, 1280, 1)), 0, 255).astype(np.uint8)
    audio = rng.normal(0, 0.1, 48_000 * seconds).astype(np.float32)
    return Sample(frames, Fraction(25), audio, 48_000)


def resize_time() -> float:
    frame = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), np.uint8)
    plan = ((125, (224, 224), cv2.INTER_AREA), (125, (455, 256), cv2.INTER_LINEAR), (40, (384, 384), cv2.INTER_CUBIC))

    def resize() -> None:
        for count, size, how in plan:
            for _ in range(count):
                cv2.resize(frame, size, interpolation=how)

    return best(resize)


def best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def loop(clip: Path, out: Path, times: int) -> None:
    """The packets of `clip` again and again."""
    with av.open(str(clip)) as first, av.open(str(out), "w") as output:
        streams = [output.add_stream_from_template(stream) for stream in first.streams]
        for lap in range(times):
            with av.open(str(clip)) as source:
                for packet in source.demux():
                    if packet.dts is None or packet.pts is None:
                        continue
                    if lap and packet.dts < 0 and packet.stream.type == "audio":  # the encoder's delay, once only
                        continue
                    shift = round(lap * 5 / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = streams[packet.stream.index]
                    output.mux(packet)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        sweep(Path(sys.argv[2]), [*VIEWS, Loud()])
        # Not getrusage: its maximum outlives exec, so a child would report its parent's.
        high = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        print(int(high.split()[1]) // 1024)
    else:
        main()
