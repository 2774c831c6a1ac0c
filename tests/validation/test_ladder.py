"""What is done to which clip, how strongly, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from avbench.answers import Fault
from avbench.media import mux
from avbench.records import Clip, Prompt, Sample, SpeechLine
from avbench.validation import bases
from avbench.validation.footage import like, load
from avbench.validation.ladder import LADDERS, OF_WORLD, Level, levels_of, picked, spoil
from avbench.world.speakers import HELD_OUT


@pytest.fixture(scope="module")
def clip() -> Sample:
    rng = np.random.default_rng(1)
    pattern = np.kron(rng.integers(0, 256, (25, 32, 40, 1)), np.ones((1, 4, 4, 3)))
    frames = pattern.astype(np.uint8)
    return Sample(frames, Fraction(25), rng.uniform(-0.5, 0.5, (44_100, 2)).astype(np.float32), 44_100)


def test_every_fault_has_a_ladder_and_quick_is_part_of_it() -> None:
    assert LADDERS.keys() == set(Fault)
    for fault, ladder in LADDERS.items():
        assert set(ladder.quick) <= set(ladder.values)
        strengths = {level.value: level.strength for level in ladder.levels(fault)}
        assert all(strengths[value] == ladder.levels(fault)[i].strength for i, value in enumerate(ladder.values))
        assert strengths == {**strengths, **{lev.value: lev.strength for lev in ladder.levels(fault, quick=True)}}
        assert max(strengths.values()) == max(strengths[value] for value in ladder.quick), "the strongest is in quick"
    names = [level.name for level in levels_of(Fault)]
    assert len(set(names)) == len(names)
    shift = [level.strength for level in LADDERS[Fault.SHIFT_AUDIO].levels(Fault.SHIFT_AUDIO)]
    assert shift == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]


@pytest.mark.parametrize(
    "level", levels_of([fault for fault in Fault if fault not in OF_WORLD]), ids=lambda level: level.name
)
def test_any_clip_can_be_spoilt(clip: Sample, level: Level) -> None:
    """Shapes stay; only the side that the fault is of changes; the same again gives the same."""
    other = replace(clip, audio=clip.audio[::-1].copy())
    out = spoil(clip, level, "a", other)
    again = spoil(clip, level, "a", other)
    assert out.frames.shape == clip.frames.shape and out.audio.shape == clip.audio.shape
    assert out.frames.dtype == np.uint8 and out.audio.dtype == np.float32
    assert np.array_equal(out.frames, again.frames) and np.array_equal(out.audio, again.audio)
    seen, heard = np.array_equal(out.frames, clip.frames), np.array_equal(out.audio, clip.audio)
    sound = ("shift_audio", "swap_audio", "mute", "noise", "clipping", "low_pass")
    text = ("clean", "replace_words", "wrong_caption")
    assert (seen, heard) == {True: (True, False)}.get(level.kind in sound, (level.kind in text, level.kind != "again"))
    if level.kind == "again":
        assert np.abs(out.frames.astype(int) - clip.frames).max() == 1
        assert 0 < np.abs(out.audio - clip.audio).max() < 1e-3
        assert not np.array_equal(out.frames, spoil(clip, replace(level, value=9 - level.value), "a").frames)


@pytest.mark.parametrize("kind", OF_WORLD)
def test_what_needs_the_worlds_truth_is_refused(clip: Sample, kind: Fault) -> None:
    source = bases.Folder((bases.Base(Prompt("a"), "a"),), "me", lossless=False)
    assert not source.allows(source.bases[0], kind)
    if kind == Fault.DROP_WORDS:
        with pytest.raises(ValueError, match="drop_words=1 cannot be done"):
            spoil(clip, Level(kind, 1), "a")


def test_what_is_picked_at_a_small_share_is_picked_at_a_large_one() -> None:
    small, large = picked(10, 0.25, 3), picked(10, 0.5, 3)
    assert set(small) < set(large) and len(large) == 5
    assert picked(10, 1.0, 3) == list(range(10)) and len(picked(3, 0.01, 0)) == 1


def test_as_many_words_as_asked_for_are_others() -> None:
    asked = (SpeechLine("One two, three four!"),)
    other = (SpeechLine("five six one two"),)
    for share, count in ((0.25, 1), (0.5, 2), (1.0, 4)):
        (line,) = bases.misheard(asked, other, share, "a")
        changed = [a != b for a, b in zip(line.text.split(), ["One", "two,", "three", "four!"], strict=True)]
        assert sum(changed) == count
    (line,) = bases.misheard((SpeechLine("你好，世界。", "zh"),), (SpeechLine("天地", "zh"),), 1.0, "a")
    assert line.text[2] == "，" and line.text[5] == "。" and set(line.text) <= set("天地，。")


def test_the_worlds_clips_are_held_out_and_always_the_same() -> None:
    world = bases.world()
    assert world == bases.world()
    assert len({base.id for base in world.bases}) == len(world.bases) == sum(n for *_, n in bases.FULL)
    speakers = [base.prompt.speech[0].speaker for base in world.bases if base.prompt.speech]
    assert set(speakers) == set(HELD_OUT)
    for base in world.bases:
        other = world.base(base.other)
        assert other is not base
        if base.prompt.tag("subset") == "speech":
            assert other.prompt.speech[0].text != base.prompt.speech[0].text
        if base.prompt.speech:
            assert world._stranger(base.prompt) != base.prompt.speech[0].speaker


def test_faults_of_the_text_are_done_to_what_is_asked() -> None:
    world = bases.world(bases.QUICK)
    base = world.bases[0]
    wrong = world.asked(base, Level(Fault.WRONG_CAPTION, 1))
    assert wrong.video_caption == world.base(base.other).prompt.video_caption != base.prompt.video_caption
    assert wrong.speech == base.prompt.speech
    words = world.asked(base, Level(Fault.REPLACE_WORDS, 1.0))
    assert words.video_caption == base.prompt.video_caption and words.speech != base.prompt.speech


def test_a_users_clip_is_read_as_it_is(clip: Sample, tmp_path: Path) -> None:
    mux.write(tmp_path / "a.mp4", clip, lossless=True)
    read = load(tmp_path / "a.mp4")
    assert np.array_equal(read.frames, clip.frames) and read.fps == 25
    assert np.array_equal(read.audio, clip.audio) and read.sample_rate == 44_100


def test_a_master_is_next_to_the_source(clip: Sample, tmp_path: Path) -> None:
    """Every sample of sound, and a picture that is nearer to the source than that of a delivery."""
    mux.write(tmp_path / "master.mp4", clip, master=True)
    mux.write(tmp_path / "delivery.mp4", clip)
    master, delivery = load(tmp_path / "master.mp4"), load(tmp_path / "delivery.mp4")
    error, more = (np.mean((read.frames.astype(float) - clip.frames) ** 2) for read in (master, delivery))
    assert np.array_equal(master.audio, clip.audio)
    assert 10 * np.log10(255**2 / error) > 45 and error < more


def test_sounds_are_brought_to_one_form() -> None:
    frames = np.zeros((25, 8, 8, 3), np.uint8)
    stereo = Sample(frames, Fraction(25), np.ones((48_000, 2), np.float32), 48_000)
    mono = Sample(frames, Fraction(25), np.ones(16_000, np.float32), 16_000)
    assert like(stereo, mono).audio.shape == (48_000, 2)
    assert like(mono, stereo).audio.shape == (16_000,)


def test_clips_that_cannot_be_spoilt_are_left_out(
    clip: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mux.write(tmp_path / "good.mp4", clip)
    mux.write(tmp_path / "mute.mp4", replace(clip, audio=np.zeros(0, np.float32)))
    (tmp_path / "bad.mp4").write_text("no film")
    clips = [Clip(tmp_path / f"{name}.mp4", Prompt(name), "me") for name in ("bad", "good", "mute")]
    source = bases.folder(clips, "me")
    assert [base.id for base in source.bases] == ["0001 good"]
    assert "2 clips without picture or sound are left out: bad.mp4, mute.mp4" in capsys.readouterr().err
    assert not source.allows(source.bases[0], Fault.SWAP_AUDIO), "there is no other clip"
