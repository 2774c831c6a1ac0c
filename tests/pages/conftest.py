"""A run with real clips made in a moment, its pages, and a browser that reports all it is asked for."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.cli.report import report
from avbench.clips import identify
from avbench.ledger import Ledger
from avbench.media.mux import write
from avbench.parts import Media
from avbench.records import JSON, Clip, Prompt, Sample, Score, SpeechLine, Status, Suite

HOSTILE = (
    """"'><script>alert(1)</script><img src=x onerror=alert(2)> {{ 7*7 }} </script> javascript:alert(3) \u202eevil"""
)
SPEECH = "The train to the coast leaves in ten minutes."
HEARD: dict[str, JSON] = {
    "asked": SPEECH,
    "heard": "The train to the ghost leaves in ten",
    "text_handling": "whisper english",
    "reference": "the train to the coast leaves in 10 minutes",
    "hypothesis": "the train to the ghost leaves in 10",
}
TRACK: dict[str, JSON] = {
    "start": 5,
    "offset": -2,
    "distance": 7.25,
    "confidence": 5.5,
    "windows": 40,
    "curve": [10 + 0.2 * abs(o + 2) for o in range(15, -16, -1)],
    "distances": [7.0 + 0.1 * (i % 5) for i in range(40)],
}
COLUMNS = (
    {"name": "wer", "unit": "1", "direction": "down", "low": 0.0, "high": 1.0, "summary": "words that are wrong"},
    {"name": "lse_c", "unit": "1", "direction": "up", "low": 0.0, "high": 20.0, "summary": "lip-sync confidence"},
    {"name": "speech_ratio", "unit": "1", "direction": "none", "low": 0.0, "high": 1.0, "summary": "speech in it"},
    {"name": "silent", "unit": "0/1", "direction": "down", "low": 0.0, "high": 1.0, "summary": "no sound"},
)
PROMPTS = (
    Prompt("speech-1", "speech", "A woman at a station.", speech=(SpeechLine(SPEECH),), tags=("place:station",)),
    Prompt("speech-2", "speech", "A man.", "Rain.", speech=(SpeechLine("مرحبا بالعالم", "ar", "Ali"),)),
    Prompt("hostile", "speech", HOSTILE, HOSTILE, speech=(SpeechLine(HOSTILE, "en", HOSTILE),), tags=(HOSTILE,)),
    Prompt("long", "speech", "word " * 1000),
)


def sample(seed: int, seconds: float = 4.0) -> Sample:
    """Moving noise at 25 fps and a beat twice a second."""
    drawn = np.random.default_rng(seed)
    time = np.arange(round(seconds * 16_000)) / 16_000
    beat = np.exp(-20 * (time % 0.5)) * np.sin(2 * np.pi * (300 + 40 * seed) * time)
    picture = drawn.integers(0, 256, (8, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    frames = np.stack([np.roll(picture, 2 * i, axis=1) for i in range(round(25 * seconds))])
    return Sample(frames, Fraction(25), (0.5 * beat).astype(np.float32), 16_000)


@dataclass
class RunFolder:
    """A run folder written as the engine leaves it. Clip 3 of the second model was not made."""

    folder: Path
    models: Sequence[str] = ("harmony", "world")
    prompts: Sequence[Prompt] = PROMPTS
    seeds: Sequence[int] = (0,)
    clips: list[Path] = field(default_factory=list)

    def write(self) -> Path:
        suite = Suite("speech", "1", "d" * 64, tuple(self.prompts))
        with Ledger(self.folder) as ledger:
            ledger.put_fact("metric", "m", {"columns": [{"name": c["name"]} for c in COLUMNS], "backend": "signal"})
            ledger.put_prompts(suite, {prompt.id for prompt in suite.prompts})
            ledger.ask(
                Clip(self.folder.resolve() / "clips" / model / f"{index}_s{seed}.mp4", prompt, model, seed)
                for model in self.models
                for index, prompt in enumerate(suite.prompts)
                for seed in self.seeds
            )
            for place, model in enumerate(self.models):
                for index, entry in enumerate(ledger.entries(model, "speech")):
                    if place == 1 and index == 3 * len(self.seeds):
                        ledger.put_failure(entry.id, "crash: out of <memory>")
                        continue
                    entry.clip.path.parent.mkdir(parents=True, exist_ok=True)
                    write(entry.clip.path, sample(10 * place + index, 4.0 - 0.5 * place))
                    self.clips.append(entry.clip.path)
                    ledger.put_clip(entry.id, identify(entry.clip.path))
                    ledger.put_scores(entry.id, {"m": ("key", self.scores(place, index))}, ["1 corrupt frames"] * place)
        info = {
            "state": "done",
            "command": ["avbench", "run", "--model", HOSTILE],
            "suites": {"speech": {"version": "1", "digest": "d" * 64}},
            "models": {
                model: {"version": "1", "settings": {"preset": "tiny", "note": HOSTILE}} for model in self.models
            },
            "columns": [
                {**c, "source": "a paper", "guard": c["name"] == "silent", "backend": "signal", "version": "1"}
                for c in COLUMNS
            ],
        }
        (self.folder / "run.json").write_text(json.dumps(info), encoding="utf-8")
        return self.folder

    @staticmethod
    def scores(place: int, index: int) -> list[Score]:
        wer = Score("wer", "signal", 0.1 + 0.2 * place + 0.01 * index, detail=HEARD)
        if index == 3:
            wer = Score("wer", "signal", None, Status.NOT_APPLICABLE, "the prompt asks for no <speech>")
        detail: dict[str, JSON] = {"tracks": [TRACK]}
        segments: dict[str, JSON] = {"segments": [[0.5, 1.5], [2.0, 3.0]]}
        return [
            wer,
            Score("lse_c", "signal", 5.0 - index + 2 * place, detail=detail),
            Score("speech_ratio", "signal", 0.5, detail=segments),
            Score("silent", "signal", float(place == 1 and index == 0)),
        ]


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., RunFolder]:
    def make(**more: Any) -> RunFolder:
        run = RunFolder(tmp_path_factory.mktemp("runs") / "run", **more)
        run.write()
        return run

    return make


@pytest.fixture(scope="session")
def run(make_run: Callable[..., RunFolder]) -> RunFolder:
    return make_run()


@pytest.fixture(scope="session")
def pages(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of `run`, with copied clips."""
    out = tmp_path_factory.mktemp("out") / "report"
    report([run.folder], form="html", out=out)
    return out


@pytest.fixture
def to_pages(run: RunFolder, tmp_path: Path) -> Callable[..., Path]:
    def build(*runs: Path, media: Media | None = None) -> Path:
        report(list(runs or [run.folder]), form="html", media=media, out=tmp_path / "report")
        return tmp_path / "report"

    return build


@dataclass
class Browser:
    """A page of headless Chromium, and what it said and asked for."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def refuse(self, dialog: Any) -> None:
        self.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, where: Path | str) -> Any:
        self.page.goto(where if isinstance(where, str) else where.resolve().as_uri())
        return self.page

    def until(self, condition: str) -> None:
        """Wait for a condition. Playwright's own way evaluates strings in the page, which its policy forbids."""
        deadline = time.monotonic() + 15
        while not self.page.evaluate(condition):
            assert time.monotonic() < deadline, condition
            self.page.wait_for_timeout(20)


FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture(scope="session")
def context() -> Iterator[Any]:
    """The system's Chromium. Skips with the reason where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need: pip install playwright")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("the browser tests need Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, playwright.sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            folder, executable_path=chromium, args=FLAGS.split(), viewport={"width": 1280, "height": 900}
        )
        yield context
        context.close()


@pytest.fixture
def browser(context: Any) -> Iterator[Browser]:
    page = context.new_page()
    browser = Browser(page)
    page.on("request", lambda request: browser.requests.append(request.url))
    page.on("console", lambda message: browser.complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: browser.complaints.append(str(error)))
    page.on("dialog", lambda dialog: browser.refuse(dialog))
    yield browser
    page.close()
