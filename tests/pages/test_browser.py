"""The pages in a real browser, opened from the disk: nothing leaves, nothing complains, all can be read and reached."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avbench.cli.report import report
from avbench.parts import Media

pytestmark = pytest.mark.slow


def prompt(pages: Path, name: str) -> Path:
    return pages / "prompts" / f"speech--{name}.html"


@pytest.mark.parametrize("media", list(Media))
def test_nothing_leaves_and_nothing_complains(media: Media, to_pages: Callable[..., Path], browser: Any) -> None:
    pages = to_pages(media=media)
    for path in (pages / "index.html", *sorted((pages / "prompts").glob("*.html"))):
        page = browser.open(path)
        if path.parent.name == "prompts":
            page.click("#play")
            browser.until("[...document.querySelectorAll('video')].every((v) => v.currentTime > 0.2)")
            browser.until("[...document.images].every((image) => image.complete && image.naturalWidth)")
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


def test_what_is_folded_lies_open_on_paper(pages: Path, browser: Any) -> None:
    page = browser.open(prompt(pages, "speech-1"))
    folded = "document.querySelectorAll('details:not([open])').length"
    before = page.evaluate(folded)
    page.evaluate("window.folded = null; addEventListener('beforeprint', () => { window.folded = " + folded + " })")
    page.pdf()
    assert before > 0 and page.evaluate("window.folded") == 0 and page.evaluate(folded) == before


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
    browser.until("document.getElementById('count').textContent === '4 prompts'")
    assert page.evaluate(rows) == ["speech-1", "speech-2", "hostile", "long"]


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


@pytest.fixture(scope="session")
def judged(make_run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages with all that a run's folder may hold beside scores."""
    run = make_run(models=("harmony", "world"))
    check = {"kind": "metric", "verdict": "fail", "reason": "worse", "name": "wer", "backend": "signal", "effect": 0.25}
    gate = {"verdict": "fail", "candidate": "new", "baseline": "old", "level": 0.9, "checks": [check], "notes": []}
    (run.folder / "gate.json").write_text(json.dumps(gate))
    lines = [{"name": name, "x": [0, 1, 2], "y": [3, 2, 1 - k]} for k, name in enumerate(("video", "audio", "sync"))]
    curves = {"title": "loss", "x_label": "step", "y_label": "loss", "series": lines}
    heat = {"title": "faults", "rows": ["mute"], "columns": [*"abcdef"], "values": [[0, 0.2, 0.4, 0.6, 0.8, 1]]}
    (run.folder / "figures.json").write_text(json.dumps([curves, heat]))
    out = tmp_path_factory.mktemp("judged") / "report"
    report([run.folder], form="html", out=out)
    return out


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_fault_of_accessibility(scheme: str, pages: Path, judged: Path, browser: Any, axe: str) -> None:
    browser.page.emulate_media(color_scheme=scheme)
    for path in (judged / "index.html", prompt(pages, "speech-1"), prompt(pages, "hostile")):
        page = browser.open(path)
        page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        page.evaluate(axe)
        found = json.loads(page.evaluate("axe.run().then((found) => JSON.stringify(found.violations))"))
        faults = [(fault["id"], [node["html"][:200] for node in fault["nodes"][:3]]) for fault in found]
        assert faults == [], path.name
