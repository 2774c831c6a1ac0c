"""Names that would lead out of the run folder, into a shell or into each other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from avbench.cli import app

HOSTILE = ["../../x", "/etc/cron.d/x", "a\0b", "x" * 300, "CON", "nul.txt", "a.", ".hidden", "-rf", "~", "C:\\x", "*?"]
HOSTILE += ['say "hi" $(touch INJECTED)', "`touch INJECTED`; touch INJECTED\n", "'; DROP TABLE clips; --"]
WORDS = ["早上好，世界", "صباح الخير", "🎬🔊", "café", "a\u2028b", "I have 2 dogs"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, avbench_in: Any) -> Path:
    """A run of a suite whose ids and captions are hostile, in a folder with nothing else in it."""
    folder: Path = tmp_path_factory.mktemp("paths") / "in"
    folder.mkdir()
    avbench = avbench_in(folder)
    suite = avbench.suite(*({"id": word, "video_caption": word, "spoken_word_en": word} for word in HOSTILE + WORDS))
    avbench("run", "-m", "toy", "-s", suite, "--metrics", "toy_level", "--workers", "0", "--out", "run")
    return folder


def test_nothing_is_written_outside_of_the_run_folder(made: Path) -> None:
    """`../../x`, an absolute path, NUL, 300 characters or `CON` as id: each gets a file name of its own, in the run."""
    beside = {path.name for path in made.iterdir()} | {path.name for path in made.parent.iterdir()}
    assert beside <= {"in", "run", "toys.jsonl", "home"}
    clips = [path for path in (made / "run" / "clips").rglob("*") if path.is_file()]
    assert len(clips) == len(HOSTILE + WORDS)
    assert all(path.parent == made / "run" / "clips" / "toy" / "toys" and path.name.isascii() for path in clips)


def test_texts_are_never_run_and_arrive_intact(made: Path) -> None:
    """Quotes, `$(…)`, newlines, SQL, Chinese, Arabic, emoji are only ever text: no command runs, no letter changes."""
    assert not list(made.rglob("INJECTED")) and not Path("INJECTED").exists()
    table = pd.read_parquet(made / "run" / "scores.parquet")
    assert sorted(set(table.prompt_id)) == sorted(HOSTILE + WORDS)
    assert set(table.status) == {"ok"} and len(table) == 2 * len(HOSTILE + WORDS)


@pytest.mark.parametrize("twin", ["CAFÉ", "cafe\u0301"])
def test_ids_that_differ_by_case_or_unicode_form_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], twin: str
) -> None:
    """Two ids that a file system may take for one are refused as duplicates, naming both lines, with exit status 2."""
    rows = [{"id": "café", "video_caption": "x"}, {"id": twin, "video_caption": "y"}]
    suite = tmp_path / "mine.jsonl"
    suite.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert refused(capsys, "run", "-m", "world", "-s", str(suite), "--out", str(tmp_path / "run")).startswith(
        f"error: {suite}:2: id: {twin!r} is already the id of line 1"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", '{"id": "a", "video_caption": "x"}\n{"id": "b"', ":2: not a JSON object"),
        ("a.jsonl", '{"id": "a", "video_caption": "x"}\n{"id": "b", "colour": 1}', ":2: colour: unknown field"),
        ("a.csv", "id,video_caption\na,x\nb,one,two\n", ":3: 3 cells for 2 columns"),
        ("a.jsonl", "", ": holds no prompt"),
        ("a.jsonl", "!!python/object/apply:os.system [touch INJECTED]", ":1: not a JSON object"),
    ],
)
def test_a_malformed_suite_is_refused_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, said: str
) -> None:
    """A suite file that is no JSONL or CSV, or has an unknown field, is refused with its line and exit status 2."""
    (tmp_path / name).write_text(text)
    message = refused(capsys, "run", "-m", "world", "-s", str(tmp_path / name), "--out", str(tmp_path / "run"))
    assert message.startswith(f"error: {tmp_path / name}{said}")
    assert not (tmp_path / "run").exists()


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a call says that ends with exit status 2."""
    with pytest.raises(SystemExit) as end:
        app(list(words))
    assert end.value.code == 2
    return capsys.readouterr().err


def test_files_are_literal_and_links_stay_inside(
    tmp_path: Path, scored: Any, encode: Any, ramp: Any, tone: Any
) -> None:
    """A file called like a protocol is read as a file; symbolic links that leave the folder are named, not followed."""
    folder = tmp_path / "clips"
    folder.mkdir()
    good = encode(folder / "good.mp4", ramp(5), audio=tone(0.2, 48_000))
    shutil.copy(good, tmp_path / "secret.mp4")
    for name in ("concat:good.mp4|good.mp4", "http:--host.mp4", "-.mp4", "%03d.mp4", "a'b\"c $(x).mp4", "片 🎬.mp4"):
        shutil.copy(good, folder / name)
    (folder / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (folder / "up").symlink_to(tmp_path)
    run = scored(folder, "--metrics", "toy_level")
    table = run.table()
    pixel = table[table.metric == "toy_pixel"]
    assert set(pixel.status) == {"ok"} and pixel.value.nunique() == 1 and len(pixel) == 7
    assert "2 symbolic links leave the folder and are not followed" in run.done.stderr
    assert not table.prompt_id.str.contains("secret|link|up/").any()
