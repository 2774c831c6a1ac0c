from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avbench.records import Prompt, SpeechLine
from avbench.suites import load_suite
from avbench.world.cues import CUES, PLACE_CUES
from avbench.world.place import PLACES, paint
from avbench.world.scene import scene_of
from avbench.world.sources import KINDS
from avbench.world.speakers import SPEAKERS

SUITES = ("ambient", "speech", "speech-zh", "complex", "uniavatar")


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_prompt_has_its_scene(suite: str) -> None:
    for prompt in load_suite(suite).prompts:
        scene = scene_of(prompt, 0)
        tagged = {tag.removeprefix("event:") for tag in prompt.tags if tag.startswith("event:")}
        assert {prop.kind for prop in scene.props} == tagged, prompt.id
        assert (scene.talker.name if scene.talker else None) == prompt.tag("speaker"), prompt.id
        first = next((prop for prop in scene.props if prop.kind == prompt.tag("event")), None)
        if first and KINDS[first.kind].counted:
            assert str(first.count) == prompt.tag("events"), prompt.id
        night = scene.place == "night"
        assert night or scene.place == prompt.tag("place"), prompt.id


@pytest.mark.parametrize("suite", ["ambient", "speech", "complex"])
def test_captions_alone_say_enough(suite: str) -> None:
    """The tags only confirm what the words say: a user's own suite needs none."""
    for prompt in load_suite(suite).prompts:
        bare = scene_of(Prompt("bare", "", prompt.video_caption, prompt.audio_caption, prompt.speech), 0)
        if prompt.tag("event"):
            assert bare.props[0].kind in prompt.tags or f"event:{bare.props[0].kind}" in prompt.tags, prompt.id
        if prompt.tag("speaker") and "narrat" not in prompt.audio_caption:
            assert bare.talker is SPEAKERS[str(prompt.tag("speaker"))], prompt.id


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=40), st.integers(0, 2**64 - 1))
def test_any_prompt_has_a_scene(video: str, audio: str, said: str, seed: int) -> None:
    prompt = Prompt("any", video_caption=video, audio_caption=audio, speech=(SpeechLine(said),) if said else ())
    scene = scene_of(prompt, seed)
    assert scene == scene_of(prompt, seed)
    assert scene.props or scene.talker
    assert scene.place in PLACES


@pytest.mark.parametrize(
    ("caption", "kind", "count"),
    [
        ("A church bell rings three times.", "bell", 3),
        ("A dog barks twice.", "dog", 2),
        ("Four knocks of a hammer.", "impact", 4),
        ("Somebody plays a guitar.", "string", None),
        ("小狗在叫。", "dog", None),
    ],
)
def test_words_say_what_and_how_often(caption: str, kind: str, count: int | None) -> None:
    prop = scene_of(Prompt("w", audio_caption=caption), 0).props[0]
    assert (prop.kind, prop.count) == (kind, count)


def test_a_second_class_sounds_once() -> None:
    props = scene_of(Prompt("two", tags=("event:drum", "event:string", "events:3")), 0).props
    assert [(prop.kind, prop.count) for prop in props] == [("drum", 3), ("string", 1)]


def test_speaker_from_words() -> None:
    said = (SpeechLine("Hello."),)
    looks = {
        "A young woman with a black bob speaks.": "hana",
        "An old man with a white beard talks.": "karim",
        "A middle-aged bald man with glasses.": "goro",
        "An old woman with a grey bun.": "lucia",
    }
    for caption, name in looks.items():
        talker = scene_of(Prompt("s", video_caption=caption, speech=said), 0).talker
        assert talker and talker.name == name
    drawn = {scene_of(Prompt("s", video_caption="A woman speaks.", speech=said), seed).talker for seed in range(40)}
    assert drawn == {speaker for speaker in SPEAKERS.values() if speaker.woman}


def test_tables_agree() -> None:
    assert set(CUES) == set(KINDS) and len(KINDS) == 22
    assert set(PLACE_CUES) == set(PLACES)
    assert all(place in PLACES for kind in KINDS.values() for place in kind.places)
    assert len({paint(place, 0, 32).tobytes() for place in PLACES}) >= len(PLACES) - 1  # room is living-room
