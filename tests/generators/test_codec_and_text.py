"""Codecs, spectrogram, transcripts and durations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from avbench.errors import UsageError
from avbench.generators._joint.codec import Pca, VideoCodec, still
from avbench.generators._joint.data import Dataset, write_shard
from avbench.generators._joint.encoders import DurationPredictor
from avbench.generators._joint.recipe import Preset
from avbench.generators._joint.shots import Shot, letter_times, mouth_mask, sound_times
from avbench.generators._joint.spectrum import griffin_lim, log_mel, widened
from avbench.generators._joint.text import (
    LETTERS,
    caption_words,
    letter_ids,
    sounded,
    spell,
    stretch,
    symbols,
    transcript,
)
from avbench.records import Prompt, SpeechLine
from avbench.world.speakers import SPEAKERS
from avbench.world.speech import library, say
from avbench.world.truth import Phone

needs_espeak = pytest.mark.skipif(library() is None, reason="needs espeak-ng")


def _video(shot: Shot) -> torch.Tensor:
    return torch.from_numpy(shot.frames).permute(3, 0, 1, 2)[None].float() / 127.5 - 1


def test_more_components_keep_more_of_the_picture(shots: list[Shot]) -> None:
    video = torch.cat([_video(shot) for shot in shots])
    rows = VideoCodec.blocks(video).flatten(0, 3)
    lost = []
    for channels in (4, 16, 64):
        codec = VideoCodec(Pca.fit(rows, channels))
        lost.append(float((codec.decode(codec.encode(video)) - video).square().mean() / video.var()))
    assert lost[0] > lost[1] > lost[2] and lost[2] < 0.1


def test_video_codec_with_all_components_is_exact() -> None:
    video = torch.rand(1, 3, 9, 16, 16) * 2 - 1
    codec = VideoCodec(Pca.fit(torch.randn(4000, 768), 768))
    torch.testing.assert_close(codec.decode(codec.encode(video)), video, atol=1e-4, rtol=0)


def test_latents_of_a_static_video_repeat(data: Dataset, shots: list[Shot]) -> None:
    frozen = _video(shots[2])[:, :, :1].expand(-1, -1, 17, -1, -1)
    latents = data.codecs.video.encode(_video(shots[2]))
    torch.testing.assert_close(data.codecs.video.encode(frozen), still(latents), atol=1e-4, rtol=1e-4)


def test_a_crop_in_latents_equals_a_crop_in_pixels() -> None:
    video = torch.rand(1, 3, 17, 16, 16) * 2 - 1
    codec = VideoCodec(Pca.fit(torch.randn(4000, 768), 768))
    cropped = codec.restart(codec.encode(video)[:, :, 2:])
    torch.testing.assert_close(cropped, codec.encode(video[:, :, 8:]), atol=1e-3, rtol=1e-3)


def test_scaling_compresses_the_spectrum() -> None:
    """Coefficient k keeps a deviation of sqrt(sigma_k), and the mean square is 1."""
    rows = torch.randn(20000, 6) * torch.tensor([8.0, 4, 2, 1, 0.5, 0.25])
    z = Pca.fit(rows, 6).encode(rows)
    assert float(z.square().mean()) == pytest.approx(1, abs=1e-3)
    assert float(z[:, 0].std() / z[:, 2].std()) == pytest.approx(2, rel=0.05)


def test_audio_comes_back_audible(data: Dataset, shots: list[Shot]) -> None:
    audio = torch.from_numpy(shots[4].audio)[None]
    latents = data.codecs.audio.encode(audio, 22)
    back = data.codecs.audio.decode(latents, audio.shape[1])
    assert back.shape == audio.shape and torch.equal(back, data.codecs.audio.decode(latents, audio.shape[1]))
    loud = [x.unfold(-1, 640, 640).square().mean(-1).sqrt()[0, 1:-1].numpy() for x in (audio, back)]
    assert np.corrcoef(loud[0], loud[1])[0, 1] > 0.95


def test_an_impulse_stays_where_it_was(data: Dataset) -> None:
    audio = torch.zeros(1, 16384)
    audio[0, 8000:8064] = torch.hann_window(64)
    found = griffin_lim(widened(log_mel(audio, 64)), 16384)[0].square()
    centre = float((found * torch.arange(16384)).sum() / found.sum())
    assert abs(centre - 8032) < 160  # 10 ms


def test_silence_is_the_floor(data: Dataset) -> None:
    silent = data.codecs.audio.encode(torch.zeros(1, 17 * 640), 22)
    torch.testing.assert_close(data.codecs.audio.silence(22), silent, atol=0.05, rtol=0.05)


def test_mel_has_two_frames_a_token_and_clamps() -> None:
    mel = log_mel(torch.zeros(1, 64640), 254)
    assert mel.shape == (1, 254, 80) and float(mel.min()) >= -5


def test_spelling() -> None:
    assert spell("Don’t stop, Alice!") == "don't stop alice"
    assert spell("你好，世界") == "NI3 HAO3 SHI4 JIE4"
    lines = (SpeechLine("Hi there."), SpeechLine("再见", "zh"))
    assert "".join(transcript(Prompt("a", speech=lines), "letters")) == "hi there ZAI4 JIAN4"
    assert spell("…!?") == ""


@needs_espeak
def test_spelling_by_sounds() -> None:
    assert sounded("Their two flowers.") == sounded("there too flours") != sounded("Their ten flowers.")
    assert sounded("你好") == list(spell("你好"))
    assert sounded("你好，world") == [*spell("你好"), " ", *sounded("World!")]
    assert sounded("…!?") == sounded("，") == []
    lines = (SpeechLine("Hi there."), SpeechLine("再见", "zh"))
    assert transcript(Prompt("a", speech=lines), "sounds") == [*sounded("Hi there."), " ", *spell("再见")]
    assert all(0 < one < symbols("sounds") for one in letter_ids(sounded("The quick brown fox, 42 times."))[1:20])


@needs_espeak
@pytest.mark.parametrize("name", [name for name, one in SPEAKERS.items() if one.accent == "en-us"][:3])
def test_sounds_are_those_that_the_world_speaks(name: str) -> None:
    text = "The pianist found my spoon, an owl and the orange car."
    said = say(text, "en", SPEAKERS[name], seed=1, seconds=6.0)
    letters, ends = sound_times(said.phones)
    assert letters == sounded(text)
    assert len(ends) == len(letters) + 1 and ends == sorted(ends) and ends[0] == said.phones[0].start


def test_without_espeak_words_are_read_by_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avbench.world.speech.library", lambda: None)
    assert sounded("The ship, too.") == ["/T", " ", "/S", "/I", "/p", " ", "/t", "/u:"]
    assert len(sounded("Quick brown foxes jump over eighty lazy dogs")) > 30


def test_sound_times_end_with_each_phoneme() -> None:
    heard = ("h", "aI", "_", "klick", "k", "_")
    ends = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
    said = [Phone(symbol, *times) for symbol, *times in zip(heard, (0.2, *ends), ends, strict=False)]
    assert sound_times(said) == (["/h", "/aI", " ", "/k"], [0.2, 0.3, 0.5, 0.6, 0.8])
    assert sound_times(()) == ([], [0.0])


def test_captions_are_case_blind_and_order_aware() -> None:
    one, other = (caption_words(Prompt("", video_caption=c), 2048)[0] for c in ("A red Ball.", "a red ball"))
    assert one == other and caption_words(Prompt("", video_caption="ball red a"), 2048)[0] != one


def test_the_audio_stream_reads_both_captions() -> None:
    seen, heard = caption_words(Prompt("", video_caption="a bell", audio_caption="ringing"), 2048)
    assert set(filter(None, seen)) < set(filter(None, heard))


@given(st.lists(st.floats(0.01, 0.5), min_size=2, max_size=30), st.integers(5, 127))
def test_stretch_follows_the_end_times(lengths: list[float], tokens: int) -> None:
    ends = np.cumsum(lengths).tolist()
    index, phase = stretch(ends, tokens, 0.032)
    assert bool(((phase >= 0) & (phase < 1 + 1e-6)).all())
    for j, i in enumerate(index.tolist()):
        centre = (j + 0.5) * 0.032
        begin = 0.0 if i == 0 else ends[i - 1]
        silent = centre < ends[0] or centre >= ends[-1]
        assert (i == 0) == silent and (silent or begin <= centre < ends[i])


def test_letter_times_share_the_word() -> None:
    letters, ends = letter_times([("Go", 0.5, 0.7), ("on!", 0.8, 1.0)])
    assert letters == "go on"
    np.testing.assert_allclose(ends, [0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert letter_times([]) == ("", [0.0])


def test_a_character_is_read_among_its_neighbours() -> None:
    words = [(character, n / 10, (n + 1) / 10) for n, character in enumerate("\u5403\u8304\u5b50")]  # an aubergine
    assert letter_times([*words, ("please", 0.4, 0.6)])[0] == f"{spell(chr(0x5403) + chr(0x8304) + chr(0x5B50))} please"
    assert "QIE2" in letter_times(words)[0]  # alone, the second is JIA1


@pytest.mark.slow
@given(st.text("abc ", min_size=1, max_size=80).map(str.strip).filter(bool), st.floats(0.3, 5))
def test_predicted_durations_rise_and_fit_the_clip(letters: str, seconds: float) -> None:
    torch.manual_seed(0)
    ends = DurationPredictor(60, 64).ends(letters, torch.zeros(56, dtype=torch.int64), seconds, 0.032)
    assert len(ends) == len(letters) + 1
    assert ends[0] > 0 and bool((np.diff(ends) > 0).all()) and ends[-1] <= seconds + 1e-9


@pytest.mark.slow
def test_durations_learn_constant_speech() -> None:
    torch.manual_seed(0)
    predictor = DurationPredictor(60, 64)
    words = torch.zeros(1, 56, dtype=torch.int64)
    ids, spoken = torch.tensor([letter_ids("abcabc")]), torch.zeros(1, LETTERS)
    spoken[:, :7] = 1
    optimiser = torch.optim.Adam(predictor.parameters(), 6e-3)
    for _ in range(60):
        optimiser.zero_grad()
        predictor.loss(ids, words, torch.full((1, LETTERS), 3.0), spoken).backward()
        optimiser.step()
    assert predictor.ends("abcabc", words[0], 10, 0.032)[-1] == pytest.approx(7 * 3 * 0.032, rel=0.1)


def test_mouth_boxes_round_outwards_and_unite_over_a_latent() -> None:
    boxes = np.full((5, 4), np.nan, np.float32)
    boxes[3] = (13, 40, 51, 58)
    mask = mouth_mask(boxes, 2, 8)
    assert not mask[0].any()
    rows, columns = np.nonzero(mask[1])
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (1, 5, 7, 8)


def test_clips_that_are_spelled_otherwise_are_refused(
    nano: Preset, shots: list[Shot], data: Dataset, tmp_path: Path
) -> None:
    write_shard(tmp_path / "shard_0000.npz", [replace(shot, spelling="letters") for shot in shots], data.codecs)
    save_file({name: t.contiguous() for name, t in data.codecs.tensors().items()}, tmp_path / "codecs.safetensors")
    with pytest.raises(UsageError, match="is spelled in letters, and the preset in sounds; delete it"):
        Dataset(tmp_path, replace(nano.model, audio=replace(nano.model.audio, spelling="sounds")))
