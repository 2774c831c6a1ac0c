"""How far apart the clips of a prompt's page are while they play, at every frame that Chromium paints.

    python tests/perf/players.py [CLIPS]

Three clips, or as many as asked, of 4 s at 128x128 with sound, decoded without a GPU. Prints the largest and the 95th
percentile of the distance between the first and the last clip: from the first start on, from each of three jumps on,
and after the page has stood still for a second.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from report import FLAGS, make, pages

from avbench.parts import Media

WATCH = """async (watch) => {
  const videos = [...document.querySelectorAll("video")], found = [], until = performance.now() + watch;
  while (performance.now() < until) {
    const times = videos.map((video) => video.currentTime);
    found.push(1000 * (Math.max(...times) - Math.min(...times)));
    await new Promise(requestAnimationFrame);
  }
  return found;
}"""
SEEK = (
    "(to) => { const time = document.getElementById('time'); time.value = to; time.dispatchEvent(new Event('input')); }"
)
BUSY = "() => { const from = performance.now(); while (performance.now() - from < 1000); }"


def told(what: str, apart: list[float]) -> None:
    print(f"{what}: {max(apart):.0f} ms at most, {np.quantile(apart, 0.95):.0f} ms in 95 of 100 of {len(apart)} frames")


def watch(page: Any) -> None:
    page.check("#loop")
    page.click("#play")
    while page.evaluate("document.querySelector('video').currentTime") < 0.01:
        pass
    told("playing, from the start on", page.evaluate(WATCH, 2500))
    for to in (0.5, 2.0, 0.2):
        page.evaluate(SEEK, to)
        told(f"after a jump to {to} s", page.evaluate(WATCH, 1500))
    page.evaluate(BUSY)
    told("after a second of standstill of the page", page.evaluate(WATCH, 1500))


def main(clips: int) -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary, sync_playwright() as driver:
        folder = Path(temporary)
        pages(make(folder / "run", 1, clips, clips), folder / "report", Media.LINK)
        (path,) = (folder / "report" / "prompts").glob("*.html")
        context = driver.chromium.launch_persistent_context(
            str(folder / "profile"), executable_path=shutil.which("chromium"), args=FLAGS
        )
        page = context.new_page()
        page.goto(path.resolve().as_uri())
        watch(page)
        context.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
