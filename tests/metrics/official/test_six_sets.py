"""The six sets of columns from the command line: real clips, a file in the place of every checkpoint, a fake judge.

The networks have their official sizes and take seconds a frame, so the clips have few: three in a second, and a single
one. A column that has no number of so short a clip says why in the words of its protocol; the last test is of a clip
that is long enough for these.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from avbench.media.mux import write
from avbench.metric_sets import load_set
from avbench.records import Sample

pytestmark = pytest.mark.slow

SETS = ("harmony", "jova", "uniavgen", "verse", "vbench", "javisbench")
LONG = r"too_short: \d+ segments?, at least 14 \(4\.8 s\) needed"
PAIR = r"too_short: \d\.\d\d s of video, at least 4 s needed for two frames 2 s apart"
WITHOUT = {  # columns that a clip of a second has no number of, and why
    "desync": LONG,
    "desync_verse": LONG,
    "ib_av": PAIR,
    "ib_tv": PAIR,
    "fvd_i3d": r"too_short: \d+ frames?, 16 needed",
}


def cut(path: Path, start: float, frames: int, rate: Fraction, high: int = 224) -> Sample:
    """From `start` s on: `frames` frames at `rate` a second, `high` px high, and the sound of that time."""
    with av.open(str(path)) as container:
        every = {float(frame.time): frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)}
    picked = [every[min(every, key=lambda t: abs(t - start - k / float(rate)))] for k in range(frames)]
    height, width = picked[0].shape[:2]
    size = (high * width // height // 2 * 2, high)
    shown: NDArray[Any] = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in picked])
    with av.open(str(path)) as container:
        hertz = container.streams.audio[0].rate
        sound = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)])
    heard = sound[round(start * hertz) : round((start + frames / rate) * hertz)].astype(np.float32)
    return Sample(shown, rate, heard, hertz)


@pytest.fixture
def judge() -> Iterator[Mapping[str, str]]:
    """A local server that grades as chat completions are answered; the environment that names it."""
    text = json.dumps({"score": [0.75, 0.5], "reason": "fits"})
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = json.dumps({"object": "chat.completion", "model": "judge-1", "choices": [choice], "usage": {}}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield {"AVBENCH_JUDGE_URL": f"http://127.0.0.1:{server.server_address[1]}/v1", "AVBENCH_JUDGE_MODEL": "judge-1"}
    server.shutdown()
    server.server_close()


def test_every_column_of_the_six_sets(whole_home: Path, shared: Path, avbench: Any, judge: Mapping[str, str]) -> None:
    media = shared / "media"
    for path, source, start, frames, rate, *high in (
        ("clips/grid.mp4", "grid_swwp2s.mpg", 0.8, 3, 3),
        ("clips/still.mp4", "universe1_00000.mp4", 1.0, 1, 2, 226),  # more than 224: for as_verse
        ("real/grid.mp4", "grid_sbwe5n.mpg", 0.8, 1, 2),
        ("real/still.mp4", "universe1_00041.mp4", 1.0, 1, 2),
    ):
        (avbench.folder / path).parent.mkdir(exist_ok=True)
        write(avbench.folder / path, cut(media / source, start, frames, Fraction(rate), *high))
    asked = {"video_caption": "a man speaks", "audio_caption": "a voice", "tags": ["style:oil"]}
    asked |= {"reference_image": str(media / "portrait_astronaut.png")}
    said = {"grid": ("set white with p two soon", "en"), "still": ("\u4f60\u597d", "zh")}
    rows = [
        {"path": f"{id}.mp4", "id": id, **asked, "speech": [{"text": text, "language": language}]}
        for id, (text, language) in said.items()
    ]
    (avbench.folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    given = ("clips", "--manifest", "rows.jsonl", "--reference", "real", "--model", "seeded", "--allow-unverified")
    environment = {"AVBENCH_HOME": str(whole_home), **judge}
    avbench("score", *given, "--metrics", ",".join(SETS), "--workers", "0", "--out", "r", **environment)
    found = pd.concat([pd.read_parquet(avbench.folder / "r" / f"{name}.parquet") for name in ("scores", "set_scores")])
    assert set(found.status) <= {"ok", "not_applicable", "unscored"}
    assert found.reason[found.status != "ok"].str.len().gt(5).all()
    for name in SETS:
        for column in load_set(name).columns:
            there = found[found.metric == column.metric]
            assert len(there), f"{name}: {column.title} is missing"
            why = "; ".join(there.reason)
            if column.metric in WITHOUT:
                assert re.search(WITHOUT[column.metric], why), f"{name}: {column.title}: {why}"
            else:
                assert np.isfinite(there.value).any(), f"{name}: {column.title}: {why}"
    for distance in ("fid", "fvd_javis", "fd_passt"):  # the reference's clips are others
        assert found.value[found.metric == distance].max() > 1e-6, distance


def test_columns_of_long_clips(whole_home: Path, shared: Path, avbench: Any) -> None:
    """One clip is long enough for all of them; the other is one more for the covariance of `fvd_i3d`."""
    for folder, source in (("clips", "universe1_00000.mp4"), ("real", "universe1_00041.mp4")):
        (avbench.folder / folder).mkdir()
        for name, frames, rate in (("talk", 20, 4), ("short", 16, 16)):
            sample = cut(shared / "media" / source, 0.0, frames, Fraction(rate))
            write(avbench.folder / folder / f"{name}.mp4", sample)
    rows = [
        {"path": f"{id}.mp4", "id": id, "video_caption": "a person talks", "audio_caption": "a voice"}
        for id in ("talk", "short")
    ]
    (avbench.folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    given = ("clips", "--manifest", "rows.jsonl", "--reference", "real", "--model", "seeded", "--allow-unverified")
    avbench(
        "score", *given, "--metrics", ",".join(WITHOUT), "--workers", "0", "--out", "r", AVBENCH_HOME=str(whole_home)
    )
    found = pd.concat([pd.read_parquet(avbench.folder / "r" / f"{name}.parquet") for name in ("scores", "set_scores")])
    for column in WITHOUT:
        there = found[found.metric == column]
        assert np.isfinite(there.value).any(), f"{column}: {'; '.join(there.reason)}"
