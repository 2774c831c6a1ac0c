"""Texts as the recogniser writes them: small letters in English, toned pinyin in Mandarin."""

from __future__ import annotations

import re
import unicodedata

LANGUAGES = ("en", "zh")
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"


def spoken_letters(text: str) -> str:
    """English text in small letters: no accents, only `'` inside words, one space between."""
    plain = unicodedata.normalize("NFKD", text).lower().replace("’", "'")
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(word for piece in re.findall(r"[a-z']+", plain) if (word := piece.strip("'")))


def pinyin(text: str) -> str:
    """Syllables such as `ni3 hao3` of the Chinese characters of a text, and its other words in small letters."""
    from pypinyin import Style, lazy_pinyin

    words: list[str] = []
    for piece in re.findall(rf"[{_HAN}]+|[^\W{_HAN}]+", text):
        if re.match(rf"[{_HAN}]", piece):
            words += lazy_pinyin(piece, style=Style.TONE3, neutral_tone_with_five=True)
        else:
            words.append(piece.lower())
    return " ".join(words)
