"""Sentences nobody has written: a small grammar over word lists, for training only."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np

ENGLISH = (
    "The {adjective} {animal} {past} the {thing} {adverb}.",
    "My {person} {past} {a:adjective} {thing} in the {place}.",
    "{name} {past} {number} {adjective} {things} {time}.", "I will {verb} your {thing} {time}.",
    "Did {name} {verb} the {adjective} {thing}?", "We never {past} the {person} at the {place}.",
    "Please {verb} the {food} and the {food} {adverb}.", "She wants to {verb} {a:adjective} {thing} from {country}.",
    "There are {number} {animals} behind the {adjective} {place}.", "Why is the {person} so {adjective} {time}?",
    "They {past} the {thing} near the {place} in {country}.", "The {person} and the {person} {adverb} {past} it.",
    "Can you {verb} this {adjective} {thing} for me?", "{name} likes to {going} with {a:adjective} {animal}.",
    "Nobody {past} the {food} that {name} {past}.", "Let us {going} in the {place} before {time}.",
    "He {past} the {thing}, but she {past} the {thing}.", "It was {a:adjective} and {adjective} {thing}.",
    "Do not {verb} the {animal} in the {place}.", "Where did the {person} {verb} my {thing}?",
    "Our {person} would {verb} {food}, {food} and {food}.", "The {thing} on the {thing} looks {adjective}.",
    "If you {verb} it {adverb}, we can {going}.", "{name} and {name} {past} the {place} {time}.",
    "What {a:adjective} {animal} you have, {name}!",
    "The {things} are {adjective}, and the {things} are {adjective}.",
    "I think {name} should {verb} the {thing}.", "You must {going} {adverb} in {country}.",
    "Every {person} in {country} has {a:adjective} {thing}.", "My {adjective} {thing} costs {number} coins.",
    "Have you ever {past} {a:adjective} {animal}?", "{up:adverb}, the {animal} {past} the {person}.",
    "The {place} opens at {number} on {time}.", "Could we {verb} {food} without {food}?",
    "This {food} is too {adjective} for {a:adjective} {person}.", "Tell {name} to {verb} the {thing} {time}.",
    "The train from {country} to {country} was {adjective}.", "{name} can {going} and {going} {adverb}.",
    "Someone {past} the {thing} under my {thing}.", "Hello {name}, did you {verb} the {things}?",
)  # fmt: skip
CHINESE = (
    "{time}{person}在{place}{going}。", "我{time}想买{measure}个{adjective}的{thing}。",
    "{person}{verb}了那个{adjective}的{thing}。",
    "你{time}看见{person}的{thing}了吗？", "{place}有{measure}只{adjective}的{animal}。",
    "请把{thing}和{thing}给{person}。",
    "我们{adverb}在{place}{going}。", "{person}和{person}都喜欢{thing}。", "这个{thing}比那个{thing}{adjective}。",
    "{adjective}的{animal}{adverb}走了。", "他{time}要去{place}{going}。", "别在{place}{going}，{person}会生气。",
    "谁{verb}了我的{thing}？", "她家的{animal}又{adjective}又{adjective}。", "{time}的{place}真{adjective}。",
    "{person}说{thing}很{adjective}。", "如果{time}下雨，我们就{going}。", "从{place}到{place}要{measure}个小时。",
)  # fmt: skip

MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
IRREGULAR = {
    "mouse": "mice", "goose": "geese", "sheep": "sheep", "wolf": "wolves", "child": "children", "man": "men",
    "woman": "women", "deer": "deer", "leaf": "leaves", "knife": "knives", "salmon": "salmon", "calf": "calves",
}  # fmt: skip


def sentence(rng: np.random.Generator, language: str = "en", seconds: float = 4.04) -> str:
    """A grammatical sentence, often without sense, short enough to be said in `seconds`."""
    longest = (2.9 if language == "en" else 4.1) * (seconds - 0.5)  # words, characters
    for _ in range(12):
        text = _fill(rng, language)
        size = len(text.split()) if language == "en" else len(re.findall(r"\w", text))
        if size <= longest:
            break
    return text


@cache
def words(language: str) -> dict[str, tuple[str, ...]]:
    """The word lists by part of speech, from `words_en.txt` or `words_zh.txt`."""
    text = Path(__file__).with_name(f"words_{language}.txt").read_text(encoding="utf-8")
    bank: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, entries = line.partition(":")
        bank.setdefault(key, []).extend(entries.split())
    return {key: tuple(dict.fromkeys(entries)) for key, entries in bank.items()}


def _fill(rng: np.random.Generator, language: str) -> str:
    bank = words(language)
    patterns = ENGLISH if language == "en" else CHINESE

    def slot(match: re.Match[str]) -> str:
        form, _, key = match.group(1).rpartition(":")
        many = key not in bank
        entries = bank[key[:-1] if many else key]
        word = entries[int(rng.integers(len(entries)))]
        if many:
            word = _plural(word)
        if key == "time" and language == "en":
            word = _dated(word)
        if form == "a":
            word = f"{'an' if word[0] in 'aeiou' and not word.startswith(('use', 'uni')) else 'a'} {word}"
        return word.capitalize() if form == "up" else word

    text = re.sub(r"\{([^}]+)\}", slot, patterns[int(rng.integers(len(patterns)))])
    text = re.sub(r"\b(on|before) (on|in) ", r"\1 ", text)
    return text[0].upper() + text[1:]


def _dated(word: str) -> str:
    if word in MONTHS:
        return f"in {word.capitalize()}"
    return f"on {word.capitalize()}" if word.endswith("day") and word not in ("today", "yesterday") else word


def _plural(word: str) -> str:
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    return word[:-1] + "ies" if word.endswith("y") and word[-2] not in "aeiou" else word + "s"
