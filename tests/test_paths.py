"""Any prompt id gives a safe file name of its own."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avbench.paths import decoded, slug

ANY_ID = st.text(st.characters(exclude_categories=()), min_size=1)  # lone surrogates too
NASTY = [
    "../../x",
    "/etc/passwd",
    "C:\\x",
    "a\0b",
    "x" * 300,
    "CON",
    "con",
    "nul.txt",
    "com1",
    "a.",
    ".hidden",
    "..",
    "-rf",
]
NASTY += ["🎬", "a b", 'say "hi" $(reboot)\n', "café", "Abc", "", " ", "a/b", "a~0123456789ab", "=cmd()", "\udcff"]


def identity(name: str) -> str:
    """What a file system that ignores case and Unicode form takes a name for."""
    return unicodedata.normalize("NFC", name).casefold()


@pytest.mark.parametrize("word", ["speech-001", "00000", "clip_fdb0d085", "v1.5", "a", "x" * 80, "console"])
def test_plain_words_stay(word: str) -> None:
    assert slug(word) == word


@pytest.mark.parametrize("word", NASTY)
def test_nasty_words_change_and_are_safe(word: str, tmp_path: Path) -> None:
    name = slug(word)
    assert name != word
    assert_safe(name)
    (tmp_path / f"{name}_s0.mp4").touch()
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}_s0.mp4"]


def test_nasty_words_never_share_a_name() -> None:
    words = [*NASTY, "abc", "ABC", "cafe\u0301", "CAF\u00c9", slug("Abc").lower(), slug("../../x")]
    assert len({identity(slug(word)) for word in words}) == len(words)


def test_golden() -> None:
    """Names are part of the run folder's format: a change would orphan the clips of earlier runs."""
    assert slug("../../x") == "x~9cdf6a50100a"
    assert slug("Say “hi”") == "Say-hi~c969409b8d11"


@settings(deadline=None)
@given(ANY_ID)
def test_always_safe(word: str) -> None:
    assert_safe(slug(word))


@settings(deadline=None)
@given(ANY_ID, ANY_ID)
def test_distinct_words_get_distinct_names(one: str, other: str) -> None:
    assert (identity(slug(one)) == identity(slug(other))) == (one == other)


@settings(deadline=None)
@given(ANY_ID)
def test_a_slug_of_another_word_is_never_taken(word: str) -> None:
    assert slug(word) == word or slug(slug(word)) != slug(word)


def assert_safe(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.~-]{0,79}", name)
    assert not name.endswith(".")
    assert not re.fullmatch(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", name.lower())


def test_names_are_text_in_any_encoding() -> None:
    assert decoded("片 a.mp4") == "片 a.mp4"
    assert decoded("caf\udce9") == "caf\\xe9"
