"""What every test may rely on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from hypothesis import settings
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[1]

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job starts with SIGINT ignored


os.environ["AVBENCH_CACHE"] = "off"  # networks of tests stand under names of official ones


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips and goldens beside the repository; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("AVBENCH_SHARED", REPOSITORY.parent / "shared")).resolve()
    if not folder.is_dir():
        pytest.skip(f"real clips and goldens are absent: no folder {folder} (set AVBENCH_SHARED)")
    return folder


@dataclass(frozen=True)
class Avbench:
    """The command line with the toy parts of tests/toys installed beside it, run in a folder of its own."""

    folder: Path
    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        path = os.pathsep.join(filter(None, [str(REPOSITORY / "tests" / "toys"), os.environ.get("PYTHONPATH")]))
        return {**os.environ, "PYTHONPATH": path, "AVBENCH_HOME": str(self.home), **more}

    def start(self, *words: str | Path, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "avbench", *map(str, words)],
            cwd=self.folder,
            env=self.environment(**env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str | Path, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """Run to the end; the exit status must be `code`."""
        process = self.start(*words, **env)
        try:
            out, err = process.communicate(timeout=500)
        finally:
            process.kill()  # a test that gives up leaves nothing running
        assert process.returncode == code, f"exit {process.returncode}, expected {code}\n{out}\n{err}"
        return subprocess.CompletedProcess(process.args, code, out, err)

    def suite(self, *rows: dict[str, object], name: str = "toys") -> Path:
        """A suite file with these rows; ids are p0, p1, … where none is given."""
        path = self.folder / f"{name}.jsonl"
        lines = [json.dumps({"id": f"p{index}", "video_caption": "noise", **row}) for index, row in enumerate(rows)]
        path.write_text("\n".join(lines), encoding="utf-8")
        return path


@pytest.fixture(scope="session")
def avbench_in() -> Callable[[Path], Avbench]:
    """`avbench_in(folder)` runs `avbench` in that folder as a user would."""
    return lambda folder: Avbench(folder, folder / "home")


@pytest.fixture
def avbench(tmp_path: Path, avbench_in: Callable[[Path], Avbench]) -> Avbench:
    """Runs `avbench` as a user would."""
    return avbench_in(tmp_path)


def _encode(
    path: Path,
    frames: NDArray[np.uint8] | None = None,
    *,
    fps: Fraction = Fraction(25),
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    rotation: int = 0,
    full_range: bool = False,
    colorspace: str | None = None,
    audio: NDArray[np.float32] | None = None,
    rate: int = 48_000,
    layout: str = "mono",
    audio_codec: str = "aac",
    audio_start: float = 0.0,
    muxer: dict[str, str] | None = None,
    format: str | None = None,
) -> Path:
    """A clip with every property that `avbench.media.mux` would never give it; `pts` count `time_base`."""
    base = time_base or 1 / fps
    with av.open(str(path), "w", options=muxer or {}, format=format) as output:
        video: Any = None
        sound: Any = None
        if frames is not None:
            video = output.add_stream(codec, rate=fps, options=options or ({"qp": "0"} if "x264" in codec else {}))
            video.width, video.height, video.pix_fmt = frames.shape[2], frames.shape[1], pix_fmt
            video.codec_context.time_base = base
            if rotation:
                video.set_display_rotation(rotation)
            colour: dict[str, Any] = {"dst_color_range": 2 if full_range else 1}
            video.codec_context.color_range = 2 if full_range else 1
            if colorspace:
                number = {"ITU709": 1, "ITU601": 6}[colorspace]
                video.codec_context.colorspace = number
                colour["dst_colorspace"] = number
        if audio is not None:
            sound = output.add_stream(audio_codec, rate=rate)
            sound.codec_context.layout = layout
        if video is not None and frames is not None:
            for index, image in enumerate(frames):
                frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                frame = frame.reformat(format=pix_fmt, **colour)
                frame.pts, frame.time_base = (pts[index] if pts else index), base
                output.mux(video.encode(frame))
            output.mux(video.encode(None))
        if sound is not None and audio is not None:
            table = audio.reshape(len(audio), -1)
            for start in range(0, len(table), 1024):
                block = np.ascontiguousarray(table[start : start + 1024]).reshape(1, -1)
                piece = AudioFrame.from_ndarray(block, format="flt", layout=layout)
                piece.sample_rate, piece.pts = rate, start + round(audio_start * rate)
                piece.time_base = Fraction(1, rate)
                output.mux(sound.encode(piece))
            output.mux(sound.encode(None))
    return path


def _ramp(count: int = 25, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Frames told apart by their level, their corners by their colour."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames[:] = np.linspace(20, 235, count).astype(np.uint8)[:, None, None, None]
    frames[:, : height // 3, : width // 3] = (200, 30, 30)
    frames[:, -height // 4 :, -width // 4 :] = (30, 30, 200)
    return frames


def _tone(seconds: float, rate: int, hertz: float = 440.0, level: float = 0.25) -> NDArray[np.float32]:
    """A sine, (S,)."""
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.fixture(scope="session")
def encode() -> Callable[..., Path]:
    return _encode


@pytest.fixture(scope="session")
def ramp() -> Callable[..., NDArray[np.uint8]]:
    return _ramp


@pytest.fixture(scope="session")
def tone() -> Callable[..., NDArray[np.float32]]:
    return _tone
