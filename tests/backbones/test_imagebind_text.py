"""ImageBind's tokens against the reference's, with the real vocabulary where it is at hand."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from avbench.errors import UsageError
from avbench.metrics._backbones.imagebind_text import CONTEXT, Tokenizer

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden

pytest.importorskip("ftfy")
pytest.importorskip("regex")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """Learned merges: t+h, th+e</w>, a+b."""
    path = tmp_path_factory.mktemp("bpe") / "vocabulary.txt.gz"
    path.write_bytes(gzip.compress(b"#version\nt h\nth e</w>\na b"))
    return Tokenizer(path)


def test_tokens(golden: Golden, clip_vocabulary: Path) -> None:
    tokenizer = Tokenizer(clip_vocabulary)
    assert (tokenizer.start, tokenizer.end) == (49406, 49407)
    for case in golden.records("av_semantics/imagebind_tokens"):
        (row,) = tokenizer([case["text"]])
        length = len(case["tokens"])
        assert row[:length].tolist() == case["tokens"], case["text"]
        assert not row[length:].any()
        assert row.argmax() == case["eot_index"]


def test_merges_in_the_order_learned(small: Tokenizer) -> None:
    first = 512  # after a letter for each byte, alone and at the end of a word
    th, the, ab = first, first + 1, first + 2
    assert small.encode("THE the") == [the, the]
    assert small.encode("thx")[0] == th
    assert small.encode("ababx")[:2] == [ab, ab]
    assert len(small.encode("th")) == 2  # a last letter is another letter


def test_digits_stand_alone_and_blanks_do_not_count(small: Tokenizer) -> None:
    assert small.encode("12") == small.encode("1 \n 2")
    assert small.encode("&amp;amp;") == small.encode("&")


def test_long_text_keeps_its_end(small: Tokenizer) -> None:
    rows = small(["the " * 200, ""])
    assert rows.shape == (2, CONTEXT)
    assert rows[0, -1] == rows[1, 1] == small.end
    assert rows[0, 0] == rows[1, 0] == small.start


def test_a_missing_vocabulary_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="absent"):
        Tokenizer(tmp_path / "absent.gz")
