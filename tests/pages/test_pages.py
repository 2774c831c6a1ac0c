"""What the pages say, read as files: text stays text, only our scripts may run, clips are where a page says."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import cv2
import numpy as np
import pytest

from avbench import maps
from avbench.cli.report import report
from avbench.errors import UsageError
from avbench.parts import Media
from avbench.records import Prompt


class Read(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.inside: list[tuple[str, str]] = []
        self._open = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        self.inside.append((self._open, data))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str) -> str:
        return "".join(data for name, data in self.inside if name == tag)


def every(pages: Path) -> list[Path]:
    return [pages / "index.html", *sorted((pages / "prompts").glob("*.html"))]


def test_only_our_script_and_style_may_run_whatever_a_prompt_says(pages: Path) -> None:
    for path in every(pages):
        page = Read(path)
        (policy,) = (m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules["default-src"] == "'none'" and "unsafe" not in policy and "http" not in policy
        for tag in ("script", "style"):
            assert rules[f"{tag}-src"] == f"'sha256-{digest(own(page, tag))}'"
        assert [s for s in page.all("script") if s and s != {"type": "application/json", "id": "data"}] == []
        handlers = [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
        styles = [attributes for _, attributes in page.elements if "style" in attributes]
        assert handlers == [] and styles == []
        assert all(not a.get("href", "").startswith("javascript") for a in page.all("a"))


def own(page: Read, tag: str) -> str:
    text = page.text(tag)
    return text[text.index('"use strict"') :] if tag == "script" else text


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_hostile_words_are_words(pages: Path) -> None:
    text = (pages / "prompts" / "speech--hostile.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text and "<img src=x" not in text and "{{ 7*7 }}" in text
    assert json.loads(Read(pages / "index.html").text("script").split("\n")[0].split('"use strict"')[0])["models"]


def test_every_page_holds_what_is_known_of_the_clips(pages: Path) -> None:
    page = Read(pages / "prompts" / "speech--speech-1.html")
    assert [f["data-player"] for f in page.all("figure") if "data-player" in f] == ["0", "1"]
    assert page.text("del").endswith("coastminutes") and page.text("ins").endswith("ghost")  # after the legend's words
    assert len([p for p in page.all("path") if p.get("class", "").startswith("curve")]) == 4  # by offset, by time
    assert len(page.all("rect")) > 4 and "1 corrupt frames" in page.text("dd")
    flags = [words for tag, words in page.inside if "silent" in words]
    assert flags
    vtt = base64.b64decode(page.all("track")[0]["src"].split(",")[1]).decode()
    assert vtt == "WEBVTT\n\n00:00:00.500 --> 00:00:03.000\nThe train to the coast leaves in ten minutes.\n"
    onsets = re.search(r"onsets at ([\d., ]+)", (pages / "prompts" / "speech--speech-1.html").read_text())
    assert onsets and len(onsets[1].split(",")) == pytest.approx(8, abs=2)  # a beat twice a second for four seconds


def test_what_is_missing_is_said(pages: Path) -> None:
    text = Read(pages / "prompts" / "speech--long.html")
    assert "crash: out of <memory>" in text.text("p")
    assert "the prompt asks for no <speech>" in text.text("span")
    assert len(text.all("video")) == 1


@pytest.mark.parametrize("media", list(Media))
def test_clips_are_copied_linked_or_embedded(media: Media, to_pages: Callable[..., Path], run: Any) -> None:
    out = to_pages(media=media)
    sources = [video["src"] for path in every(out)[1:] for video in Read(path).all("video")]
    assert len(sources) == len(run.clips) == 7
    if media is Media.EMBED:
        found = [base64.b64decode(source.removeprefix("data:video/mp4;base64,")) for source in sources]
        assert sorted(found) == sorted(clip.read_bytes() for clip in run.clips)
        assert {path.name for path in out.iterdir()} == {"index.html", "prompts", ".avbench-report", ".looks.jsonl"}
        return
    files = [(out / "prompts" / unquote(source)).resolve() for source in sources]
    assert all(file.is_file() for file in files)
    assert all(file.is_relative_to(out.resolve()) == (media is Media.COPY) for file in files)
    posters = [video["poster"] for video in Read(every(out)[1]).all("video")]
    assert all((out / "prompts" / poster).is_file() for poster in posters)


def test_a_second_report_replaces_the_first_and_decodes_nothing_again(
    to_pages: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = to_pages()
    stale = out / "prompts" / "speech--gone.html"
    stale.write_text("old")
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("clips/**/*.mp4")}
    monkeypatch.setattr("avbench.reports._page.look.look", lambda path: pytest.fail(f"{path} was decoded again"))
    to_pages(media=Media.LINK)
    assert not stale.exists() and not (out / "clips").exists() and before


def test_a_damaged_cache_is_no_obstacle(to_pages: Callable[..., Path]) -> None:
    out = to_pages()
    first = (out / "prompts" / "speech--speech-1.html").read_text()
    (out / ".looks.jsonl").write_text('{"version": "1", "sha256": "x"}\nrubbish')
    to_pages()
    assert (out / "prompts" / "speech--speech-1.html").read_text() == first


def test_a_folder_with_other_files_is_left_alone(run: Any, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match="holds other files"):
        report([run.folder], form="html", out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(UsageError, match="--media is about"):
        report([run.folder], form="table", media=Media.LINK)


def test_two_runs_of_one_model_stand_side_by_side(
    run: Any, make_run: Callable[..., Any], to_pages: Callable[..., Path]
) -> None:
    other = make_run(models=("harmony",))
    other.folder.rename(other.folder.with_name("other"))
    out = to_pages(run.folder, other.folder.with_name("other"))
    page = Read(out / "prompts" / "speech--speech-1.html")
    named = [video["aria-label"] for video in page.all("video")]
    assert named == ["harmony @ other, seed 0", "harmony @ run, seed 0", "world, seed 0"]
    with pytest.raises(UsageError, match="--out"):
        report([run.folder, other.folder.with_name("other")], form="html")


def test_a_page_of_one_model_has_no_columns_that_compare(
    make_run: Callable[..., Any], to_pages: Callable[..., Path]
) -> None:
    heads = {}
    for models, between in ((["harmony"], []), (["harmony", "jova", "world"], [", ", " and "])):
        page = Read(to_pages(make_run(models=models).folder) / "index.html")
        heads[len(models)] = page.text("th")
        assert [word for tag, word in page.inside if tag == "span" and word in (", ", " and ")] == between
    assert "intervals" not in heads[1] and "spread" not in heads[1]
    assert "intervals" in heads[3] and "spread" in heads[3]


def test_seeds_can_be_chosen(make_run: Callable[..., Any], to_pages: Callable[..., Path]) -> None:
    odd = Prompt("../ö?#%", "speech", "A dog.")
    out = to_pages(make_run(models=("harmony",), prompts=(odd,), seeds=(0, 1)).folder)
    (path,) = every(out)[1:]
    page = Read(path)
    assert [f["data-seed"] for f in page.all("figure") if "data-player" in f] == ["0", "1"]
    assert all((out / "prompts" / unquote(video["src"])).is_file() for video in page.all("video"))
    assert not os.path.relpath(path, out).startswith("..")


def test_a_gate_and_figures_beside_the_scores_are_shown(
    make_run: Callable[..., Any], to_pages: Callable[..., Path]
) -> None:
    run = make_run(models=("harmony",))
    check = {"kind": "metric", "verdict": "fail", "reason": "worse", "name": "wer", "backend": "signal", "effect": 0.25}
    check |= {"margin": 0.125}
    gate = {"verdict": "fail", "candidate": "new", "baseline": "old", "level": 0.9, "checks": [check], "notes": []}
    (run.folder / "gate.json").write_text(json.dumps(gate))
    curve = {"title": "loss", "x_label": "step", "series": [{"name": "video", "x": [0, 1, 2], "y": [3, None, 1]}]}
    heat = {"title": "faults", "rows": ["mute"], "columns": ["a", "b"], "values": [[0.5, None]]}
    (run.folder / "figures.json").write_text(json.dumps([curve, heat]))
    page = Read(to_pages(run.folder) / "index.html")
    assert (
        "FAIL" in page.text("h2")
        and "worse" in page.text("span")
        and "0.250" in page.text("td")
        and "0.125" in page.text("td")
    )
    assert "0.5" in page.text("td") and any(p.get("d") == "M3.70 3.70M96.30 96.30" for p in page.all("path"))
    (run.folder / "gate.json").write_text("[]")
    assert "gate.json cannot be shown" in Read(to_pages(run.folder) / "index.html").text("p")


@pytest.mark.parametrize("media", [Media.COPY, Media.EMBED])
def test_maps_of_the_making_are_drawn_over_frames(
    media: Media, make_run: Callable[..., Any], to_pages: Callable[..., Path]
) -> None:
    run = make_run(models=("harmony",))
    heat = np.zeros((100, 4, 4), np.float32)
    heat[:, 1, 2] = np.linspace(0, 1, 100)
    maps.write(run.clips[0], {"attention": heat, "guidance": np.zeros_like(heat), "twice": 2 * heat}, 100)
    maps.path_of(run.clips[1]).write_bytes(b"no archive")
    out = to_pages(run.folder, media=media)
    strips = Read(out / "prompts" / "speech--speech-1.html").all("img")
    assert (
        len(strips) == 1 and "where the sound looks" in strips[0]["alt"]
    )  # zeros, and the same at another scale, show nothing
    source = strips[0]["src"]
    data = (
        base64.b64decode(source.partition(",")[2])
        if media is Media.EMBED
        else (out / "prompts" / unquote(source)).read_bytes()
    )
    strip = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert strip is not None and strip.shape == (160, 6 * 160 + 5 * 4, 3)
    first, last = strip[:, :160].astype(float), strip[:, -160:].astype(float)
    assert np.ptp(first, axis=2).max() < 24  # grey where the map is zero
    hot = np.ptp(last, axis=2)
    assert hot[60, 100] > 40 > hot[140, 20]
    assert not Read(out / "prompts" / "speech--speech-2.html").all("img")


def test_a_training_beside_the_scores_is_drawn(make_run: Callable[..., Any], to_pages: Callable[..., Path]) -> None:
    run = make_run(models=("harmony",))
    folder = run.folder / "training"
    folder.mkdir()
    lines = [f"{step},audio,{3 - step / 500},,0.001,{step}" for step in range(1, 1001)]
    (folder / "losses.csv").write_text("\n".join(["step,stage,audio,video,rate,seconds", *lines]))
    page = Read(to_pages(run.folder) / "index.html")
    (curve,) = [p["d"] for p in page.all("path") if "curve" in p.get("class", "") and p["d"].count("L") > 0]
    assert curve.count("L") == 200 - 1  # a thousand steps, averaged by five
    assert "Training: losses" in page.text("span") and "audio by step" in page.text("p")
    (folder / "losses.csv").write_text("")
    assert "training cannot be shown" in Read(to_pages(run.folder) / "index.html").text("p")
