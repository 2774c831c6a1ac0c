"""The bundled prompts keep their promises: counts, lengths, tags, language, no near-duplicates, pinned versions."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from difflib import SequenceMatcher
from functools import cache
from itertools import combinations, groupby

import pytest

from avbench.records import Prompt
from avbench.suites import load_suite

SIZES = {"ambient": 50, "speech": 50, "speech-zh": 50, "complex": 50, "uniavatar": 100}
SPOKEN = ("speech", "complex", "uniavatar")
SOUNDING = ("ambient", "complex")

# A change of the data is a new version: bump `version` in benchmarks/NAME.py and pin the new pair here.
PINNED = {
    "ambient": ("1.0", "99558d0bedfb8b70cd3264ce052425a68e2b588eb8fc9d5690f836b1eddb9673"),
    "speech": ("1.0", "89314f342098c27b4caa4c97970edfb9513d15251fda683ad71d642d6a36040f"),
    "speech-zh": ("1.0", "47bc1eabc3b939aeeb1a08d45c6247a4be7012a7d160ace07c56319094519b93"),
    "complex": ("1.0", "edfbf95d652a33586e0c9c5002a3cd23e7710955122f9ef14b2558ec363d14ac"),
    "uniavatar": ("1.0", "9aa5c5463e9bfbd134941e993b5ff16e8a51ee92493cf0fa5ea5a0a96f093253"),
}

SPEAKERS = {
    "ana": "a young woman with long brown hair",
    "bruno": "a middle-aged man with short black hair and a beard",
    "chen": "a young man with short black hair",
    "dara": "a middle-aged woman with long red hair",
    "emil": "an old man with grey hair and a bald top",
    "fay": "a young woman with long blond hair",
    "goro": "a middle-aged bald man with glasses",
    "hana": "a young woman with a black bob",
    "ivan": "a young man with short blond hair",
    "jade": "a middle-aged woman with dark curly hair",
    "karim": "an old man with white hair and a white beard",
    "lucia": "an old woman with grey hair in a bun",
}
CONTINUOUS = {
    "roll": "rolls?",
    "pour": "pours?",
    "engine": "engine",
    "rain": "rain",
    "wind": "wind",
    "waves": "waves",
    "typing": "typing",
    "applause": "applause",
    "siren": "siren",
}
DISCRETE = {
    "impact": "impacts?",
    "bounce": "bounces?",
    "bell": "bell",
    "drum": "drum",
    "string": "string",
    "dog": "dog",
    "bird": "bird",
    "footsteps": "footsteps",
    "door": "door",
    "clock": "clock",
    "fireworks": "fireworks",
    "whistle": "whistle",
    "thunder": "thunder",
}
EVENTS = CONTINUOUS | DISCRETE
COUNTS = {2: "two|twice", 3: "three", 4: "four", 5: "five", 6: "six"}
INDOORS = ["kitchen", "living-room", "bedroom", "office", "library", "classroom", "cafe", "workshop", "garage", "hall"]
TOWN = ["plain", "stage", "street", "park", "garden", "yard", "roof", "station", "harbour"]
PLACES = {*INDOORS, *TOWN, "forest", "field", "beach", "mountain", "lake"}
VALUES = {
    "speaker": set(SPEAKERS),
    "event": set(EVENTS),
    "events": {str(n) for n in range(7)},
    "screen": {"on", "off"},
    "noise": {"yes", "no"},
    "difficulty": {"easy", "medium", "hard"},
    "place": PLACES,
}


@cache
def prompts(*suites: str) -> list[Prompt]:
    return [prompt for suite in suites for prompt in load_suite(suite).prompts]


def events(prompt: Prompt) -> list[str]:
    return [tag.removeprefix("event:") for tag in prompt.tags if tag.startswith("event:")]


def text(prompt: Prompt) -> str:
    return prompt.speech[0].text


def tokens(sentence: str) -> list[str]:
    return re.findall(r"[a-z']+", sentence.lower())


def similarity(one: list[str], other: list[str]) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


@pytest.mark.parametrize("name", SIZES)
def test_size_version_and_digest(name: str) -> None:
    suite = load_suite(name)
    assert len(suite.prompts) == SIZES[name]
    assert (suite.version, suite.digest) == PINNED[name], "data changed: bump the version and pin the new digest"


def test_ids_are_unique_across_suites() -> None:
    assert max(Counter(p.id for p in prompts("ambient", *SPOKEN)).values()) == 1
    assert [p.id for p in prompts("speech")] == [p.id for p in prompts("speech-zh")]


def test_fields() -> None:
    for prompt in prompts(*SIZES):
        assert prompt.seconds == 4.04
        assert prompt.video_caption
        assert bool(prompt.audio_caption) == (prompt.suite in SOUNDING)
        assert bool(prompt.speech) == (prompt.suite != "ambient")
        for sentence in (prompt.video_caption, prompt.audio_caption, *(line.text for line in prompt.speech)):
            assert sentence == sentence.strip()
            assert not re.search(r"\d|  ", sentence)
            assert not sentence or sentence[-1] in ".?!。？！"


def test_tags_are_complete_and_from_the_vocabulary() -> None:
    for prompt in prompts(*SIZES):
        keys = Counter(tag.partition(":")[0] for tag in prompt.tags)
        assert all(tag.partition(":")[2] in VALUES[tag.partition(":")[0]] for tag in prompt.tags)
        assert len(set(prompt.tags)) == len(prompt.tags)
        assert keys.pop("event", 0) in ((1, 2) if prompt.suite in SOUNDING else (0,))
        assert keys.pop("speaker", 0) == len(prompt.speech)
        assert keys == {"events": 1, "screen": 1, "noise": 1, "difficulty": 1, "place": 1}


def test_screen_noise_and_difficulty_follow_from_the_prompt() -> None:
    for prompt in prompts(*SIZES):
        kinds, count = events(prompt), int(prompt.tag("events") or 0)
        steady = any(kind in CONTINUOUS for kind in kinds)
        assert prompt.off_screen == (prompt.tag("screen") == "off") == ("narrat" in prompt.audio_caption)
        assert (prompt.tag("noise") == "yes") == (bool(prompt.speech) and steady)
        if prompt.suite == "ambient":
            expected = "hard" if len(kinds) > 1 else "medium" if count > 1 else "easy"
        elif prompt.suite == "complex":
            expected = "hard" if prompt.off_screen or len(kinds) > 1 else "medium" if steady else "easy"
        elif prompt.suite == "speech-zh":
            continue  # carries the tags of its English side
        else:
            length = len(tokens(text(prompt)))
            expected = "easy" if length <= 7 else "medium" if length <= 9 else "hard"
        assert prompt.tag("difficulty") == expected


def test_captions_name_the_tagged_events_and_no_others() -> None:
    for prompt in prompts(*SOUNDING):
        for caption in (prompt.video_caption, prompt.audio_caption):
            named = {kind for kind, word in EVENTS.items() if re.search(rf"\b{word}\b", caption, re.IGNORECASE)}
            assert named == set(events(prompt))


def test_event_count_is_said_in_words() -> None:
    """`events` counts the first class; a steady sound counts once, and so does a second class."""
    for prompt in prompts(*SOUNDING):
        count = int(prompt.tag("events") or 0)
        assert count >= 1
        if count > 1:
            assert prompt.tag("event") in DISCRETE
            for caption in (prompt.video_caption, prompt.audio_caption):
                assert re.search(rf"\b({COUNTS[count]})\b", caption, re.IGNORECASE)
        if prompt.tag("event") in CONTINUOUS:
            assert set(events(prompt)) <= set(CONTINUOUS), "the countable class stands first"


def test_caption_shows_the_place() -> None:
    for prompt in prompts(*SIZES):
        place = str(prompt.tag("place")).replace("-", " ")
        assert place == "plain" or re.search(rf"\b{place}\b", prompt.video_caption)


def test_caption_describes_the_speaker() -> None:
    for prompt in prompts("speech", "speech-zh", "complex", "uniavatar"):
        looks = SPEAKERS[str(prompt.tag("speaker"))]
        if prompt.off_screen:
            assert looks not in prompt.video_caption.lower()
            who = re.sub(r" with.*| bald", "", looks)
            assert prompt.audio_caption.endswith(f"{who} narrates.")
        else:
            assert looks in prompt.video_caption.lower()


def test_english_fits_the_clip() -> None:
    """6 to 11 words and at most 62 characters: at 3.1 words or 17 characters a second 0.4 s of the clip stay free."""
    for prompt in prompts(*SPOKEN):
        assert prompt.speech[0].language == "en"
        assert 6 <= len(tokens(text(prompt))) <= 11
        assert len(tokens(text(prompt))) / 3.1 <= prompt.seconds - 0.4
        assert len(text(prompt)) <= 62
        assert re.fullmatch(r"[A-Za-z ,]+[.?!]", text(prompt)), "letters and plain punctuation only"


def test_chinese_is_han_and_fits_the_clip() -> None:
    for prompt in prompts("speech-zh"):
        assert prompt.speech[0].language == "zh"
        assert re.fullmatch(r"[\u4e00-\u9fff，]+[。？！]", text(prompt))
        han = re.findall(r"[\u4e00-\u9fff]", text(prompt))
        assert 8 <= len(han) <= 16
        assert len(han) / 4.5 <= prompt.seconds - 0.4  # characters a second, an unhurried Mandarin


def test_questions_are_questions_in_both_languages() -> None:
    marks = {".": "。", "?": "？", "!": "！"}
    for english, chinese in zip(prompts("speech"), prompts("speech-zh"), strict=True):
        assert marks[text(english)[-1]] == text(chinese)[-1]
        assert (english.video_caption, english.tags) == (chinese.video_caption, chinese.tags)


def test_no_transcript_is_a_near_duplicate() -> None:
    spoken = [tokens(text(prompt)) for prompt in prompts(*SPOKEN)]
    assert max(similarity(*pair) for pair in combinations(spoken, 2)) < 0.6
    chinese = [re.findall(r"[\u4e00-\u9fff]", text(prompt)) for prompt in prompts("speech-zh")]
    assert max(similarity(*pair) for pair in combinations(chinese, 2)) < 0.5


def test_no_scene_is_a_near_duplicate() -> None:
    """The description of the speaker and the remark on the narrator recur on purpose and do not count."""
    recurring = re.compile("|".join((*SPEAKERS.values(), "The narrator is not seen")), re.IGNORECASE)
    scenes = [tokens(recurring.sub("", prompt.video_caption)) for prompt in prompts(*SOUNDING)]
    assert max(similarity(*pair) for pair in combinations(scenes, 2)) < 0.75


def test_no_caption_recurs() -> None:
    captions = [prompt.video_caption for prompt in prompts("ambient", *SPOKEN)]
    assert max(Counter(captions).values()) == 1


def test_classes_speakers_and_places_are_balanced() -> None:
    for suite in SOUNDING:
        kinds = Counter(kind for prompt in prompts(suite) for kind in events(prompt))
        assert set(kinds) == set(EVENTS)
        assert min(kinds.values()) >= 2
    for suite in SPOKEN:
        speakers = Counter(prompt.tag("speaker") for prompt in prompts(suite))
        assert set(speakers) == set(SPEAKERS)
        assert max(speakers.values()) - min(speakers.values()) <= 1
    assert {prompt.tag("place") for prompt in prompts(*SIZES)} == PLACES


def test_the_first_items_are_varied() -> None:
    """`--limit 10` is the usual first look."""
    assert len({events(prompt)[0] for prompt in prompts("ambient")[:10]}) == 10
    for suite in SPOKEN:
        assert len({prompt.tag("speaker") for prompt in prompts(suite)[:10]}) >= 8
    off = [prompt.off_screen for prompt in prompts("complex")]
    assert sum(off) >= 12
    assert any(off[:5])
    assert max(len(list(run)) for screen, run in groupby(off) if not screen) <= 5


def test_loading_imports_nothing_heavy() -> None:
    heavy = {"torch", "numpy", "pandas", "av", "cv2", "librosa"}
    code = (
        f"import sys; from avbench.suites import load_suite; load_suite('speech'); print({heavy} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
