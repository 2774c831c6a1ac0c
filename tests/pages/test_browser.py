"""The pages in a real browser, opened from the disk: nothing leaves, nothing complains, and the clips keep together."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avbench.parts import Media

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


def until(page: Any, condition: str) -> None:
    """Wait for a condition. Playwright's own way evaluates strings in the page, which its policy forbids."""
    deadline = time.monotonic() + 15
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(20)


def seek(page: Any, seconds: float) -> None:
    move = "(to) => { time.value = to; time.dispatchEvent(new Event('input')); }"  # the page's `#time`
    page.evaluate(move, seconds)


def prompt(pages: Path, name: str) -> Path:
    return pages / "prompts" / f"speech--{name}.html"


@pytest.mark.parametrize("media", list(Media))
def test_nothing_leaves_and_nothing_complains(media: Media, to_pages: Callable[..., Path], browser: Any) -> None:
    pages = to_pages(media=media)
    for path in (pages / "index.html", *sorted((pages / "prompts").glob("*.html"))):
        page = browser.open(path)
        if path.parent.name == "prompts":
            page.click("#play")
            until(page, "[...document.querySelectorAll('video')].every((v) => v.currentTime > 0.2)")
            until(page, "[...document.images].every((image) => image.complete && image.naturalWidth)")
    assert browser.complaints == []
    assert len(browser.requests) >= 5
    assert [url for url in browser.requests if not url.startswith(("file://", "data:"))] == []


def test_hostile_prompts_are_text(pages: Path, browser: Any) -> None:
    page = browser.open(prompt(pages, "hostile"))
    said = page.inner_text("dl.asked")
    assert said.count("<script>alert(1)</script>") == 5 and "{{ 7*7 }}" in said  # speaker, line, picture, sound, tag
    assert page.query_selector("main script, main [onerror], a[href^='javascript']") is None
    page = browser.open(prompt(pages, "long"))
    assert page.inner_text("dl.asked").count("word") == 1000
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    browser.open(pages / "index.html")
    assert browser.complaints == []


def test_the_table_sorts_filters_and_keeps_its_state(pages: Path, browser: Any) -> None:
    page = browser.open(pages / "index.html")
    rows = "[...document.querySelectorAll('#table tbody tr:not([hidden]) .name')].map((name) => name.textContent)"
    column = "[...document.querySelectorAll('#table tbody tr td:nth-child(2)')].map((cell) => cell.textContent)"
    page.select_option("#metric", label="lse_c [signal]")
    page.click("#table th[data-sort=m0] button")
    assert page.evaluate(column) == ["5.000", "4.000", "3.000", "2.000"]  # the best first
    page.click("#table th[data-sort=m0] button")
    assert page.evaluate(column) == ["2.000", "3.000", "4.000", "5.000"]
    assert page.get_attribute("#table th[data-sort=m0]", "aria-sort") == "ascending"
    page.select_option("#metric", label="wer [signal]")
    assert page.evaluate(column)[-1] == "not applicable"  # last whichever way
    page.fill("#search", "STATION train")
    assert page.evaluate(rows) == ["speech-1"] and page.inner_text("#count") == "1 of 4 prompts"
    page.reload()
    assert page.evaluate(rows) == ["speech-1"] and page.input_value("#metric") == "0"
    page.fill("#search", "")
    page.select_option("#only", "flags")
    assert page.evaluate(rows) == ["speech-1"]
    page.select_option("#only", "failed")
    assert page.evaluate(rows) == ["long"]
    page.click("#filters button[type=reset]")
    until(page, "document.getElementById('count').textContent === '4 prompts'")
    assert page.evaluate(rows) == ["speech-1", "speech-2", "hostile", "long"]


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
    until(page, "document.querySelector('video').currentTime > 0.05")
    played = together(page, 300, 900)
    assert played["apart"] < TOGETHER and played["samples"] > 5 and played["moved"] > 0.5
    seek(page, 0.5)
    sought = together(page, 300, 900)
    assert sought["apart"] < TOGETHER and sought["moved"] > 0.5
    page.keyboard.press("2")  # another clip leads
    assert page.evaluate("[...document.querySelectorAll('video')].map((video) => video.muted)") == [True, False]
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
    until(page, "document.querySelectorAll('video')[1].currentTime >= 3.45")
    until(page, "document.querySelector('video').currentTime > 3.7")
    until(page, "[...document.querySelectorAll('video')].every((v) => v.currentTime < 1.5 && v.currentTime > 0.1)")
    cue = "document.querySelector('video').textTracks[0]"
    assert page.evaluate(f"{cue}.mode") == "showing"
    assert page.evaluate(f"[...{cue}.cues].map((cue) => [cue.startTime, cue.endTime, cue.text])") == [
        [0.5, 3.0, "The train to the coast leaves in ten minutes."]
    ]


def test_keys_and_ab(pages: Path, browser: Any) -> None:
    page = browser.open(prompt(pages, "speech-1"))
    visible = "[...document.querySelectorAll('.player')].map((tile) => getComputedStyle(tile).visibility)"
    page.keyboard.press("a")
    assert page.evaluate(visible) == ["visible", "hidden"]
    page.keyboard.press("2")
    assert page.evaluate(visible) == ["hidden", "visible"]
    page.keyboard.press("x")
    assert page.evaluate(visible) == ["visible", "hidden"]
    page.keyboard.press("a")
    page.keyboard.press(".")
    page.keyboard.press(".")
    assert page.inner_text("#clock") == "0.08 s"
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#clock") == "0.58 s"
    page.keyboard.press("n")
    page.wait_for_url("**/speech--speech-2.html")


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_no_page_is_wider_than_the_screen(width: int, pages: Path, browser: Any) -> None:
    browser.page.set_viewport_size({"width": width, "height": 800})
    for path in (pages / "index.html", *(pages / "prompts").glob("*.html")):
        page = browser.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core from npm into a temporary folder: it is a tool of the tests, and no part of avbench."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("accessibility is checked by axe-core, which needs npm")
    folder = tmp_path_factory.mktemp("axe")
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "axe-core@4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        pytest.skip(f"axe-core cannot be installed here: {done.stderr.strip()[-200:]}")
    return script.read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_of_accessibility(scheme: str, pages: Path, browser: Any, axe: str) -> None:
    browser.page.emulate_media(color_scheme=scheme)
    for path in (pages / "index.html", prompt(pages, "speech-1"), prompt(pages, "hostile")):
        page = browser.open(path)
        page.evaluate(axe)
        found = page.evaluate("axe.run().then((found) => JSON.stringify(found.violations))")
        serious = [
            (fault["id"], [node["html"][:200] for node in fault["nodes"][:3]])
            for fault in json.loads(found)
            if fault["impact"] in ("serious", "critical")
        ]
        assert serious == [], path.name
