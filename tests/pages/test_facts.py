"""Facts by their shape: transcripts compared, captions that cannot break out, tracks, figures of a validation."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avbench.records import JSON, Detail
from avbench.reports._page.facts import compare, cues, sort_out, webvtt
from avbench.reports._page.look import envelope
from avbench.reports._page.plots import axis, line, strip
from avbench.reports._page.slots import figure
from avbench.reports._page.validation import figures_of


def detail(**facts: JSON) -> Detail:
    return Detail("m", "s", "p", 0, "wer", "asr", facts)


def pieces(reference: str, hypothesis: str) -> list[tuple[str, str]]:
    return [(piece.kind, piece.text) for piece in compare(reference, hypothesis)]


def test_words_are_compared_as_words_and_chinese_letter_by_letter() -> None:
    assert pieces("a train to town", "a rain to town now") == [
        ("same", "a"),
        ("missing", "train"),
        ("extra", "rain"),
        ("same", "to town"),
        ("extra", "now"),
    ]
    assert pieces("今天天气好", "今天气好") == [("same", "今"), ("missing", "天"), ("same", "天气好")]
    assert pieces("", "") == [] and pieces("gone", "") == [("missing", "gone")]


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_both_texts_can_be_read_off_their_comparison(asked: list[str], said: list[str]) -> None:
    found = compare(" ".join(asked), " ".join(said))
    assert " ".join(p.text for p in found if p.kind != "extra").split() == asked
    assert " ".join(p.text for p in found if p.kind != "missing").split() == said


@given(st.text())
def test_no_caption_ends_its_cue_or_opens_a_tag(text: str) -> None:
    lines = webvtt([(0.5, 3661.25, text)]).split("\n")
    assert lines[:3] == ["WEBVTT", "", "00:00:00.500 --> 01:01:01.250"]
    assert len(lines) == 5 and not re.search(r"[<>]", lines[3]) and "-->" not in lines[3]


def test_lines_share_the_speech_by_their_length() -> None:
    assert cues(["aaa", "b"], [(1.0, 2.0), (3.0, 5.0)], 9.0) == [(1.0, 4.0, "aaa"), (4.0, 5.0, "b")]
    assert cues(["a"], [], 4.0) == [(0.0, 4.0, "a")] and cues([], [], 4.0) == []


def test_facts_of_any_metric_are_sorted_by_their_shape() -> None:
    curve: list[JSON] = [float(abs(offset - 3)) for offset in range(15, -16, -1)]
    track: dict[str, JSON] = {"start": 25, "offset": 3, "curve": curve, "distances": [1.0, 2.0]}
    found = sort_out([detail(tracks=[track, {"broken": 1}]), detail(segments=[[0, 1.5], ["x"]]), detail(mood="good")])
    (one,) = found.tracks
    assert one.offsets[one.curve.index(min(one.curve))] == one.offset == 3
    assert one.times == (1.0, 1.04) and found.segments == ((0.0, 1.5),)
    assert found.rest == (("wer [asr]", '{\n "mood": "good"\n}'),)


def test_words_and_characters_of_one_text_are_shown_once() -> None:
    texts: dict[str, JSON] = {"reference": "a train", "hypothesis": "a rain"}
    words, letters = (Detail("m", "s", "p", 0, name, "asr", texts | {"text_handling": name}) for name in ("wer", "cer"))
    (both,) = sort_out([words, letters]).transcripts
    assert (both.metric, both.handling) == ("wer [asr], cer [asr]", "wer, cer")
    other = Detail("m", "s", "p", 0, "cer", "asr", {"reference": "a train", "hypothesis": "a train"})
    assert len(sort_out([words, other]).transcripts) == 2


@pytest.mark.parametrize("wrong", [{"tracks": 3}, {"segments": "no"}, {"reference": 1, "hypothesis": None}, {}])
def test_facts_of_another_shape_do_no_harm(wrong: dict[str, JSON]) -> None:
    found = sort_out([detail(**wrong)])
    assert found.tracks == () and found.segments == () and found.transcripts == ()


def test_the_waveform_keeps_the_extremes() -> None:
    samples = np.zeros(24_000, np.float32)
    samples[[100, 20_000]] = 0.5, -2.0
    low, high = envelope(samples)
    assert len(low) == len(high) == 240
    assert high[1] == 0.5 and low[200] == -1.0 and sum(map(abs, low + high)) == 1.5
    assert envelope(np.zeros(0, np.float32)) == ((), ()) and len(envelope(np.zeros(7, np.float32))[0]) == 7


@given(st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_an_axis_holds_its_values_and_few_round_ticks(values: list[float]) -> None:
    along = axis(values)
    assert all(0 <= along.place(value) <= 100 for value in values)
    assert 1 <= len(along.ticks) <= 7 and all(-0.01 <= place <= 100.01 for place, _ in along.ticks)


def test_few_values_are_dots_and_many_an_outline() -> None:
    along = axis([0.0, 1.0])
    few, many = strip(along, np.linspace(0, 1, 40)), strip(along, np.linspace(0, 1, 41))
    assert len(few.dots) == 40 and not few.outline and not many.dots and many.outline.startswith("M")
    assert many.median == pytest.approx(50) and many.box == pytest.approx((along.place(0.25), along.place(0.75)))


def test_few_points_of_a_curve_are_marked_and_one_alone_is_seen() -> None:
    x, y = axis([1.0]), axis([0.0, 1.0])
    alone = line("a", x, y, [1.0], [0.5])
    assert alone.dots == ((50.0, 50.0),)
    assert len(line("a", axis(range(12)), y, range(12), [0.5] * 12).dots) == 12
    assert line("a", axis(range(13)), y, range(13), [0.5] * 13).dots == ()


def test_a_validation_becomes_a_heat_map_and_curves_of_what_is_promised() -> None:
    def response(fault: str, promise: str, auc: list[float | None]) -> dict[str, Any]:
        points = [{"auc": [value, None, None]} for value in auc]
        return {"fault": fault, "promise": promise, "verdict": "kept", "points": points}

    responses = [response("mute", "worse", [0.5, 1.0]), response("blur", "", [0.5])]
    lag = {"name": "lag", "backend": "signal", "responses": responses}
    loud = {"name": "loud", "backend": "signal", "responses": responses[:1]}
    found = figures_of({"faults": {"mute": {}, "blur": {}, "noise": {}}, "columns": [lag, loud]})
    heat, curves, _ = map(figure, found)
    assert heat.columns == ("mute", "blur")  # no clip had noise
    assert [[text for _, text in cells] for _, cells in heat.heat] == [["1.00", "0.50"], ["1.00", "–"]]
    assert [line.name for line in curves.lines] == ["mute: worse, kept"]
    assert curves.across is not None and [tick for _, tick in curves.across.ticks] == [1, 2]  # there is no step 1.5
    with pytest.raises(KeyError):
        figures_of({})
