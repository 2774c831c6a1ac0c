"""Text handling against the protocols' own code, and what it must leave alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avbench.metrics._error_rate import Counts, pool
from avbench.metrics._text import CHINESE, HANDLINGS, MIXED, TextHandling, by_speaker, chinese, mova

pytest.importorskip("whisper", reason="the extra paper is not installed")


@pytest.fixture(scope="module")
def stored(golden: Callable[[str], Path]) -> Any:
    return json.loads(golden("distribution/{}_wer.json").read_text())


def test_every_protocol_equals_its_reference(stored: Any) -> None:
    compared = set()
    for pair in stored["pairs"]:
        for handling in HANDLINGS[pair["lang"]]:
            expected, where = pair[handling.name], (pair["id"], handling.name)
            counts = handling.count(pair["ref"], pair["hyp"])
            found = (counts.substitutions, counts.deletions, counts.insertions, counts.hits, counts.reference)
            assert found == tuple(expected[key] for key in ("S", "D", "I", "H", "ref_len")), where
            assert counts.rate == expected.get("wer", expected.get("cer")), where
            if "ref" in expected:
                assert _as_stored(handling, handling.reference(pair["ref"])) == expected["ref"], where
                assert _as_stored(handling, handling.hypothesis(pair["hyp"])) == expected["hyp"], where
            compared.add((pair["lang"], handling.name))
        assert {key for key in pair if isinstance(pair[key], dict)} == {h.name for h in HANDLINGS[pair["lang"]]}
    assert len(compared) == sum(map(len, HANDLINGS.values()))


def _as_stored(handling: TextHandling, text: str) -> str | list[str]:
    return text.split() if handling is MIXED else text


def test_every_aggregate_equals_its_reference(stored: Any) -> None:
    for key, expected in stored["aggregate"].items():
        language, name = key.split("/")
        handling = next(h for h in HANDLINGS[language] if h.name == name)
        pairs = [pair for pair in stored["pairs"] if pair["lang"] == language]
        items = [handling.count(pair["ref"], pair["hyp"]) for pair in pairs]
        rate = pool(items)
        assert (rate.n, rate.n - rate.skipped) == (expected["n"], expected["n_nonempty_ref"])
        assert rate.corpus == pytest.approx(expected["corpus"], abs=1e-12)
        assert rate.item_mean == pytest.approx(expected["mean_per_item_nonempty"], abs=1e-12)
        assert rate.clipped_mean == pytest.approx(expected["mean_per_item_clipped1"], abs=1e-12)
        pooled = sum(items, Counts())
        assert pooled.rate == pytest.approx(expected["corpus_with_insertions_on_empty_refs"], abs=1e-12)


@settings(deadline=None)  # the first call loads libraries
@given(st.text("一二三葉叶 aB,。5.", max_size=12))
def test_chinese_is_the_same_when_done_twice(text: str) -> None:
    once = chinese(text)
    assert chinese(once) == once
    assert not set(once) & set(" ,。.B")


def test_scripts_are_one_and_numbers_are_not() -> None:
    assert CHINESE.count("請關窗戶", "请关窗户").errors == 0
    assert CHINESE.count("二十", "20").errors == 2


def test_speaker_tags() -> None:
    assert by_speaker("[S01] Hello. [S2] Hi. [s01] Sit down.") == {"S01": "Hello.Sit down.", "S02": "Hi."}
    assert by_speaker("nobody is named") == {}
    assert mova("It’s  [fine] — 好。") == "itsfine好"
