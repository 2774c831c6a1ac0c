"""All clips of a prompt on one clock, in a real browser: playing, after a jump, and when one of them cannot follow."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.media.mux import write
from avbench.records import Sample

pytestmark = pytest.mark.slow
TOGETHER = 0.05  # seconds that two clips may be apart

APART = """async ([settle, watch]) => {
  const videos = [...document.querySelectorAll("video")];
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  await wait(settle);
  let apart = 0, samples = 0;
  const begin = videos[0].currentTime, until = performance.now() + watch;
  while (performance.now() < until) {
    const times = videos.map((video) => video.currentTime);
    apart = Math.max(apart, Math.max(...times) - Math.min(...times));
    samples += 1;
    await new Promise(requestAnimationFrame);
  }
  return { apart, samples, moved: videos[0].currentTime - begin };
}"""


def seek(page: Any, seconds: float) -> None:
    move = "(to) => { time.value = to; time.dispatchEvent(new Event('input')); }"  # the page's `#time`
    page.evaluate(move, seconds)


def prompt(pages: Path, name: str) -> Path:
    return pages / "prompts" / f"speech--{name}.html"


def together(page: Any, settle: int, watch: int) -> dict[str, float]:
    """How far the clips are apart. Up to three looks: on a busy machine it is the browser that stands still."""
    found: dict[str, float] = {}
    for _ in range(3):
        found = page.evaluate(APART, [settle, watch])
        if found["apart"] < TOGETHER:
            return found
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > 2 * cores:
        pytest.skip(
            f"clips are {found['apart']:.3f} s apart, but the machine is too busy to judge: {load:.0f} on {cores}"
        )
    return found


def test_two_clips_keep_together_while_playing_and_after_seeking(pages: Path, browser: Any) -> None:
    page = browser.open(prompt(pages, "speech-1"))
    page.check("#loop")
    page.click("#play")
    browser.until("document.querySelector('video').currentTime > 0.05")
    played = together(page, 300, 900)
    assert played["apart"] < TOGETHER and played["samples"] > 5 and played["moved"] > 0.5
    seek(page, 0.5)
    sought = together(page, 300, 900)
    assert sought["apart"] < TOGETHER and sought["moved"] > 0.5
    page.keyboard.press("2")  # another clip leads
    heard = "[...document.querySelectorAll('video')].map((video) => !video.muted && video.volume > 0.001)"
    assert page.evaluate(heard) == [False, True]
    seek(page, 1.0)
    assert together(page, 300, 900)["apart"] < TOGETHER
    page.click("#play")
    seek(page, 2.2)
    still = together(page, 400, 200)
    assert still["apart"] < TOGETHER and still["moved"] == 0
    assert page.evaluate("document.querySelector('video').currentTime") == pytest.approx(2.2, abs=TOGETHER)


def test_a_shorter_clip_waits_at_its_end_and_loop_starts_over(pages: Path, browser: Any) -> None:
    page = browser.open(prompt(pages, "speech-1"))
    page.click("#captions")
    page.check("#loop")
    seek(page, 3.3)
    page.click("#play")
    browser.until("document.querySelectorAll('video')[1].currentTime >= 3.45")
    browser.until("document.querySelector('video').currentTime > 3.7")
    browser.until("[...document.querySelectorAll('video')].every((v) => v.currentTime < 1.5 && v.currentTime > 0.1)")
    cue = "document.querySelector('video').textTracks[0]"
    assert page.evaluate(f"{cue}.mode") == "showing"
    assert page.evaluate(f"[...{cue}.cues].map((cue) => [cue.startTime, cue.endTime, cue.text])") == [
        [0.5, 3.0, "The train to the coast leaves in ten minutes."]
    ]


def test_a_page_that_stands_still_for_a_second_comes_back_together(pages: Path, browser: Any) -> None:
    page = browser.open(prompt(pages, "speech-1"))
    page.check("#loop")
    page.click("#play")
    browser.until("document.querySelector('video').currentTime > 0.3")
    page.evaluate("() => { const from = performance.now(); while (performance.now() - from < 1000); }")
    back = together(page, 300, 900)
    assert back["apart"] < TOGETHER and back["moved"] > 0.5


def test_a_clip_that_lags_after_a_standstill_is_fetched_and_not_sped_up(pages: Path, browser: Any) -> None:
    page = browser.open(prompt(pages, "speech-1"))
    page.check("#loop")
    page.click("#play")
    browser.until("document.querySelector('video').currentTime > 1")
    first = page.evaluate(
        """() => new Promise((done) => {
          const lags = document.querySelectorAll("video")[1];
          const time = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "currentTime");
          let lag = 0.3; // until it is sent to a place
          Object.defineProperty(lags, "currentTime", {
            get() { return time.get.call(this) - lag; },
            set(value) { lag = 0; time.set.call(this, value); },
          });
          for (const event of ["pause", "ratechange"]) lags.addEventListener(event, () => done(event), { once: true });
          for (const from = performance.now(); performance.now() - from < 200;);
        })"""
    )
    assert first == "pause"


def test_a_clip_that_runs_slow_is_held_by_its_speed(pages: Path, browser: Any) -> None:
    """One whose clock runs at 85 %, as that of a sound card that is not what it says."""
    page = browser.open(prompt(pages, "speech-1"))
    page.evaluate(
        """() => {
          const rate = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "playbackRate");
          const slow = document.querySelectorAll("video")[1];
          Object.defineProperty(slow, "playbackRate", {
            get() { return rate.get.call(this) / 0.85; },
            set(value) { rate.set.call(this, 0.85 * value); },
          });
        }"""
    )
    page.check("#loop")
    page.click("#play")
    browser.until("document.querySelector('video').currentTime > 0.3")
    held = together(page, 1200, 900)
    assert held["apart"] < TOGETHER and held["moved"] > 0.5


def test_a_clip_that_is_shorter_than_its_header_says_stops_no_other(pages: Path, tmp_path: Path, browser: Any) -> None:
    shutil.copytree(pages, tmp_path, dirs_exist_ok=True)
    clip = tmp_path / "clips/world/speech/speech-1_s0.mp4"
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 6 // 10])
    page = browser.open(prompt(tmp_path, "speech-1"))
    page.click("#play")
    browser.until("document.querySelector('video').currentTime > 3.5")


class Late(SimpleHTTPRequestHandler):
    """Hands out the first half of the second model's clips, and the rest when `more` is set."""

    more = threading.Event()

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.suffix != ".mp4":
            super().do_GET()
            return
        data = path.read_bytes()
        asked = self.headers.get("Range")
        first = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - first))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        half = max(first, len(data) // 2 if "world" in path.parts else len(data))
        try:
            self.wfile.write(data[first:half])
            self.more.wait(20)
            self.wfile.write(data[half:])
        except OSError:
            pass  # the browser has what it wants


@pytest.fixture
def late(pages: Path, tmp_path: Path) -> Iterator[str]:
    """A page on a server that is slow with the second clip, which is large enough to begin before it is there."""
    shutil.copytree(pages, tmp_path, dirs_exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 256, (88, 160, 160, 3), np.uint8)
    sound = np.zeros(56_320, np.float32)
    write(tmp_path / "clips/world/speech/speech-1_s0.mp4", Sample(noise, Fraction(25), sound, 16_000))
    Late.more.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Late, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/prompts/speech--speech-1.html"
    Late.more.set()
    server.shutdown()
    thread.join()


def test_all_wait_for_a_clip_that_waits_for_its_data(late: str, browser: Any) -> None:
    page = browser.open(late)
    waits = "document.getElementById('clock').textContent.endsWith('…')"
    page.click("#play")
    browser.until(f"{waits} && document.querySelector('video').currentTime > 0.3")
    stood = page.evaluate(APART, [100, 1000])
    assert page.evaluate("document.querySelectorAll('video')[1].readyState") < 3
    assert stood["apart"] < TOGETHER and stood["moved"] < 0.1, "the others wait too"
    assert page.inner_text("#play") == "Pause"
    Late.more.set()
    browser.until(f"!{waits}")
    went = together(page, 300, 600)
    assert went["apart"] < TOGETHER and went["moved"] > 0.3


def test_after_a_while_they_go_on_without_it_until_it_is_there(late: str, browser: Any) -> None:
    page = browser.open(late)
    page.check("#loop")
    page.click("#play")
    browser.until("document.querySelector('video').currentTime > 0.3")
    browser.until(
        "document.querySelector('video').currentTime > document.querySelectorAll('video')[1].currentTime + 0.5"
    )
    Late.more.set()
    back = together(page, 1000, 900)
    assert back["apart"] < TOGETHER and back["moved"] > 0.5
