from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from avbench.clips import find_clips, identify, read_manifest, sidecar_of, stamp
from avbench.errors import UsageError
from avbench.records import Prompt, Suite


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def suite(*ids: str) -> Suite:
    return Suite("s", "1", "", tuple(Prompt(id, "s", "x") for id in ids))


def test_a_folder_gives_its_media_in_order(tmp_path: Path) -> None:
    touch(tmp_path, "b.mp4", "a/z.MKV", "a.mp4", "notes.txt", "talk.wav", "b.wav", ".hidden.mp4")
    found = find_clips(tmp_path, "m")
    assert [clip.prompt.id for clip in found.clips] == ["a.mp4", "a/z.MKV", "b.mp4", "talk.wav"]
    assert {(clip.model, clip.prompt.suite, clip.seed) for clip in found.clips} == {("m", "files", 0)}
    assert [path.name for path in found.ignored] == ["notes.txt"]
    assert [path.name for path in found.sidecars] == ["b.wav"]
    assert [clip.path for clip in find_clips(tmp_path / "b.mp4", "m").clips] == [tmp_path / "b.mp4"]


def test_links_that_leave_the_folder_are_not_followed(tmp_path: Path) -> None:
    touch(tmp_path, "secret/s.mp4", "in/a.mp4")
    root = tmp_path / "in"
    (root / "out.mp4").symlink_to(tmp_path / "secret" / "s.mp4")
    (root / "folder").symlink_to(tmp_path / "secret")
    (root / "twin.mp4").symlink_to(root / "a.mp4")
    found = find_clips(root, "m")
    assert [clip.path.name for clip in found.clips] == ["a.mp4", "twin.mp4"]
    assert sorted(path.name for path in found.links) == ["folder", "out.mp4"]


def test_nothing_to_score(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to score"):
        find_clips(tmp_path, "m")
    touch(tmp_path, "a.mp4")
    with pytest.raises(UsageError, match=r"nothing to score.*prompt id of suite 's'"):
        find_clips(tmp_path, "m", suite("b"))
    for path in ("none", "concat:a.mp4|b.mp4", "http://host/a.mp4", "-"):
        with pytest.raises(UsageError, match="does not exist"):
            find_clips(Path(path), "m")


def test_stems_are_matched_to_prompts(tmp_path: Path) -> None:
    touch(tmp_path, "a_s3.mp4", "a_s0.mp4", "b.mp4", "b_s1.mp4", "other.mp4", "c_s1.mp4")
    found = find_clips(tmp_path, "m", suite("a", "b", "b_s1", "c_s1", "gone"))
    assert {(clip.prompt.id, clip.seed) for clip in found.clips} == {
        ("a", 0),
        ("a", 3),
        ("b", 0),
        ("b_s1", 0),
        ("c_s1", 0),
    }
    assert [path.name for path in found.extra] == ["other.mp4"] and [p.id for p in found.missing] == ["gone"]
    touch(tmp_path, "a.mkv")
    with pytest.raises(UsageError, match=r"a\.mkv.*both prompt 'a', seed 0|both prompt 'a', seed 0"):
        find_clips(tmp_path, "m", suite("a"))


def test_file_names_that_are_not_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.mp4")
    (tmp_path / name).write_bytes(b"x")
    (clip,) = find_clips(tmp_path, "m").clips
    assert clip.prompt.id == "caf\\xe9.mp4" and clip.path.name == name
    clip.prompt.id.encode()


def test_identity_counts_the_side_car(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    before = identify(tmp_path / "a.mp4")
    assert (before.size, before.modified) == stamp(tmp_path / "a.mp4")
    touch(tmp_path, "a.wav")
    after = identify(tmp_path / "a.mp4")
    assert sidecar_of(tmp_path / "a.mp4") == tmp_path / "a.wav"
    assert after.sha256 != before.sha256 and after.size == before.size + 5
    assert sidecar_of(tmp_path / "a.wav") is None


def test_a_manifest_says_prompts_models_and_seeds(tmp_path: Path) -> None:
    rows = [
        {"path": "x/1.mp4", "id": "p", "video_caption": "a dog"},
        {"path": "x/2.mp4", "id": "p", "video_caption": "a dog", "seed": 1},
        {"path": "y.mp4", "video_caption": "a cat", "model": "other"},
    ]
    manifest = tmp_path / "set.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)))
    clips = read_manifest(manifest, tmp_path, "m")
    assert [(c.model, c.prompt.suite, c.prompt.id, c.seed) for c in clips] == [
        ("m", "set", "p", 0),
        ("m", "set", "p", 1),
        ("other", "set", "y.mp4", 0),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"video_caption": "x"}, r"set\.jsonl:1: path: missing"),
        ({"path": "../x.mp4", "video_caption": "x"}, r":1: path: .*leaves"),
        ({"path": "/etc/x.mp4", "video_caption": "x"}, r":1: path: .*leaves"),
        ({"path": "C:\\clips\\x.mp4", "video_caption": "x"}, r":1: path: .*a path of Windows"),
        ({"path": "\\\\server\\x.mp4", "video_caption": "x"}, r":1: path: .*a path of Windows"),
        ({"path": "..\\x.mp4", "video_caption": "x"}, r":1: path: .*leaves"),
        ({"path": "a.mp4", "video_caption": "x", "seed": -1}, r":1: seed: "),
        ({"path": "a.mp4", "video_caption": "x", "colour": "red"}, r":1: colour: unknown field"),
    ],
)
def test_a_wrong_manifest_is_refused(tmp_path: Path, row: dict[str, object], said: str) -> None:
    (tmp_path / "set.jsonl").write_text(json.dumps(row))
    with pytest.raises(UsageError, match=said):
        read_manifest(tmp_path / "set.jsonl", tmp_path, "m")


def test_a_manifest_from_windows_names_the_same_clips(tmp_path: Path) -> None:
    """A backslash parts folders unless a file is really called so."""
    touch(tmp_path, "a\\b.mp4")
    rows = [{"path": name, "video_caption": "x"} for name in ("x\\y\\1.mp4", "a\\b.mp4")]
    (tmp_path / "set.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first, second = read_manifest(tmp_path / "set.jsonl", tmp_path, "m")
    assert (first.path, first.prompt.id) == (tmp_path.resolve() / "x" / "y" / "1.mp4", "x/y/1.mp4")
    assert second.path.name == "a\\b.mp4"


def test_a_clip_named_twice_is_refused(tmp_path: Path) -> None:
    row = json.dumps({"path": "a.mp4", "id": "p", "video_caption": "x"})
    (tmp_path / "set.jsonl").write_text(f"{row}\n{row}")
    with pytest.raises(UsageError, match=r"set\.jsonl:2: id: 'p' with seed 0 of m is already there"):
        read_manifest(tmp_path / "set.jsonl", tmp_path, "m")
