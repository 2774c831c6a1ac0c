"""Reading suites: both spellings, both formats, and an error that names file, line, field and mend."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avbench.errors import UsageError
from avbench.records import Prompt, SpeechLine
from avbench.suites import digest, load_suite, prompt_from_json, prompt_to_json, read_prompts

DOCS = (Path(__file__).parents[1] / "docs" / "suites.md").read_text(encoding="utf-8")
ROW: dict[str, object] = {"id": "a", "video_caption": "A dog."}


def jsonl(folder: Path, *rows: object, name: str = "mine.jsonl") -> Path:
    path = folder / name
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def complaint(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        load_suite(str(path))
    message = str(caught.value)
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


def test_harmony_bench_spelling(tmp_path: Path) -> None:
    (tmp_path / "face.png").write_bytes(b"png")
    (tmp_path / "voice.wav").write_bytes(b"wav")
    row = {
        "id": "007",
        "subset": "speech",
        "audio_caption": "",
        "video_caption": "A woman speaks.",
        "spoken_word_en": "Good morning.",
        "spoken_word_zh": "早上好。",
        "ref_image": "face.png",
        "ref_audio": "voice.wav",
    }
    path = jsonl(tmp_path, row)
    expected = Prompt(
        id="007",
        suite="mine",
        video_caption="A woman speaks.",
        speech=(SpeechLine("Good morning.", "en"),),
        reference_image=tmp_path / "face.png",
        reference_audio=tmp_path / "voice.wav",
        tags=("subset:speech",),
    )
    assert read_prompts(path, suite="mine") == (expected,)
    chinese = read_prompts(path, suite="mine", language="zh")
    assert chinese == (replace(expected, speech=(SpeechLine("早上好。", "zh"),)),)


def test_own_spelling(tmp_path: Path) -> None:
    lines = [{"text": "Hi.", "speaker": "ana"}, {"text": "你好。", "language": "zh"}]
    row = {"id": "x", "suite": "mine", "audio_caption": "Wind.", "speech": lines, "seconds": 2, "off_screen": True}
    row["tags"] = ["event:wind", "event:dog"]
    (prompt,) = read_prompts(jsonl(tmp_path, row), suite="mine")
    assert prompt.speech == (SpeechLine("Hi.", "en", "ana"), SpeechLine("你好。", "zh"))
    assert (prompt.seconds, prompt.off_screen, prompt.tags) == (2.0, True, ("event:wind", "event:dog"))


def test_null_is_absent(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("audio_caption", "speech", "ref_image", "seconds", "off_screen", "tags", "subset"))
    assert read_prompts(jsonl(tmp_path, {**ROW, **nothing})) == (Prompt("a", video_caption="A dog."),)


def test_a_subset_becomes_a_tag_without_spaces(tmp_path: Path) -> None:
    (prompt,) = read_prompts(jsonl(tmp_path, {**ROW, "subset": "real  faces"}), suite="mine")
    assert prompt.tags == ("subset:real-faces",)


def test_only_the_other_language(tmp_path: Path) -> None:
    (prompt,) = read_prompts(jsonl(tmp_path, {"id": "x", "spoken_word_zh": "你好。", "spoken_word_en": None}))
    assert prompt.speech == (SpeechLine("你好。", "zh"),)


def test_csv_equals_jsonl(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(
        "\ufeffid,video_caption,spoken_word_en,seconds,off_screen,tags,speech\r\n"
        '001,"A dog, ""Rex"",\nbarks.",,2.5,true,event:dog place:park,\r\n'
        "\r\n"
        '002,,,,FALSE,,"[{""text"": ""Hi.""}]"\r\n'
        "003,Rain.,Look out!,,,,\r\n",
        encoding="utf-8",
    )
    rows: list[dict[str, object]] = [
        {"id": "001", "video_caption": 'A dog, "Rex",\nbarks.', "seconds": 2.5, "off_screen": True},
        {"id": "002", "speech": [{"text": "Hi."}], "off_screen": False},
        {"id": "003", "video_caption": "Rain.", "spoken_word_en": "Look out!"},
    ]
    rows[0]["tags"] = ["event:dog", "place:park"]
    assert read_prompts(table) == read_prompts(jsonl(tmp_path, *rows))


@pytest.mark.parametrize(
    "text",
    [
        "quote \" ' ` $(reboot) \\ newline \n tab \t",
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "日本語 العربية 🎬",
        "a\u2028b",
    ],
)
def test_texts_arrive_intact(text: str, tmp_path: Path) -> None:
    path = jsonl(tmp_path, {"id": text, "video_caption": text, "spoken_word_en": f"x{text}"})
    (prompt,) = read_prompts(path)
    assert (prompt.id, prompt.video_caption, prompt.speech[0].text) == (text, text, f"x{text}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"video_captoin": "x"}, "video_captoin: unknown field; did you mean video_caption?"),
        ({"xyz": 1}, "xyz: unknown field; known: id, suite"),
        ({"id": None}, "id: missing"),
        ({"id": "  "}, "id: missing"),
        ({"id": 7}, "id: must be text in quotes, got 7"),
        ({"video_caption": ["x"]}, "video_caption: must be text"),
        ({"video_caption": "\ud800"}, "video_caption: holds half of a surrogate pair"),
        ({"video_caption": ""}, "video_caption: nothing is asked"),
        ({"seconds": "4"}, "seconds: must be a number, got"),
        ({"seconds": True}, "seconds: must be a number, got true"),
        ({"seconds": 0}, "seconds: must be above 0"),
        ({"seconds": -1.5}, "seconds: must be above 0"),
        ({"seconds": 10**400}, "seconds: must be above 0 and at most 3600"),
        ({"off_screen": "yes"}, "off_screen: must be true or false"),
        ({"tags": "event:dog"}, "tags: must be a list"),
        ({"tags": ["event:dog", "dog"]}, "tags[1]: must read key:value"),
        ({"tags": ["place:living room"]}, "tags[0]: must read key:value without spaces"),
        ({"tags": [3]}, "tags[0]: must read key:value"),
        ({"speech": "Hi."}, "speech: must be a list"),
        ({"speech": ["Hi."]}, "speech[0]: must be an object"),
        ({"speech": [{"text": "Hi."}, {"txt": "Hi."}]}, "speech[1].txt: unknown field; did you mean text?"),
        ({"speech": [{"text": ""}]}, "speech[0].text: missing"),
        ({"speech": [{"text": 5}]}, "speech[0].text: must be text"),
        ({"speech": [{"text": "Hej.", "language": "sv"}]}, "speech[0].language: unknown language 'sv'; known: en, zh"),
        ({"speech": [{"text": "Hi."}], "spoken_word_en": "Hi."}, "speech: says the same as spoken_word_en"),
        ({"ref_image": "a.png", "reference_image": "a.png"}, "ref_image: says the same as reference_image"),
        ({"subset": "x", "suite": "y"}, "subset: says the same as suite"),
        ({"ref_image": "absent.png"}, "ref_image: no such file:"),
        ({"reference_audio": "http://host/a.wav"}, "reference_audio: no such file:"),
        ({"reference_video": "a\0b.mp4"}, "reference_video: no such file:"),
        ({"reference_video": "."}, "reference_video: no such file:"),
    ],
)
def test_a_wrong_row_is_named(change: dict[str, object], said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    first = json.dumps({**ROW, "id": "first"})
    path.write_text(f"{first}\n\n{json.dumps({**ROW, **change})}\n")
    assert complaint(path).startswith(f":3: {said}")


@pytest.mark.parametrize("other", ["Café", "CAFÉ", "cafe\u0301", "ｃａｆé"])
def test_ids_that_differ_by_case_or_unicode_form_are_duplicates(other: str, tmp_path: Path) -> None:
    path = jsonl(tmp_path, {**ROW, "id": "café"}, ROW, {**ROW, "id": other})
    assert complaint(path).startswith(":3: id: ")
    assert "already the id of line 1" in complaint(path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not a JSON object on one line"),
        ('"text"', "not a JSON object but"),
        ("[]", "not a JSON object but []"),
        ("[" * 100_000, "not a JSON object on one line"),
        ('{"id": "a", "id": "b"}', "a key stands twice"),
        ('{"id": "a", "video_caption": "x", "seconds": NaN}', "NaN is not JSON; write a finite number"),
        ('{"id": "a", "video_caption": "x", "seconds": -Infinity}', "-Infinity is not JSON"),
        ('{"id": "a", "video_caption": "x", "seconds": 1e999}', "seconds: must be above 0 and at most 3600"),
        (f'{{"id": "a", "seconds": {"9" * 5000}}}', "not a JSON object on one line"),
        ("id: a  # YAML", "not a JSON object on one line"),
    ],
)
def test_a_wrong_line_is_named(line: str, said: str, tmp_path: Path) -> None:
    message = complaint(jsonl(tmp_path, {**ROW, "id": "first"}, line))
    assert message.startswith(":2: ")
    assert said in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,video_caption\na,A dog, barking\n", ":2: 3 cells for 2 columns"),
        ("id,video_caption\na\n", ":2: 1 cells for 2 columns"),
        ("id,id\na,b\n", ":1: two columns have the same name"),
        ('id,video_caption\na,"open\n\n', ":2: not CSV"),
        ('id,video_caption,seconds\na,"two\nlines",1\n\nb,"two\nlines",four\n', ":5: seconds: must be a number"),
        ('id,speech\na,"[{""text"": ""x"", ""text"": ""y""}]"\n', ":2: speech: must be a JSON list"),
        ("id,video_caption,seconds\na,x,four\n", ':2: seconds: must be a number, got "four"'),
        ("id,video_caption,seconds\na,x,nan\n", ":2: seconds: must be above 0"),
        ("id,video_caption,off_screen\na,x,maybe\n", ":2: off_screen: must be true or false"),
        ("id,video_caption,speech\na,x,Hello\n", ":2: speech: must be a JSON list"),
        ("id,caption\na,x\n", ":2: caption: unknown field; did you mean"),
        ("id,video_caption\n", ": holds no prompt"),
    ],
)
def test_a_wrong_table_is_named(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    assert complaint(path).startswith(said)


def test_wrong_files(tmp_path: Path) -> None:
    assert complaint(tmp_path / "absent.jsonl") == ": No such file or directory"
    assert "ends in .jsonl" in complaint(jsonl(tmp_path, ROW, name="mine.json"))
    assert complaint(jsonl(tmp_path, "", name="empty.jsonl")) == ": holds no prompt"
    (tmp_path / "folder.csv").mkdir()
    assert complaint(tmp_path / "folder.csv") == ": Is a directory"
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes(b'{"id": "a", "video_caption": "x"}\n{"id": "b", "video_caption": "caf\xe9"}\n')
    assert complaint(latin) == ":2: not UTF-8 text; save the file as UTF-8"
    wide = tmp_path / "wide.csv"
    wide.write_bytes("id,video_caption\na,x\n".encode("utf-16"))
    assert complaint(wide) == ":1: not UTF-8 text; save the file as UTF-8"


def test_examples_of_the_docs_are_read_alike(tmp_path: Path) -> None:
    found = {}
    for kind, text in re.findall(r"```(jsonl|csv)\n(.*?)```", DOCS, re.DOTALL):
        path = tmp_path / f"mine.{kind}"
        path.write_text(text, encoding="utf-8")
        found[kind] = load_suite(str(path)).prompts
    assert len(found["jsonl"]) == 3
    assert found["jsonl"] == found["csv"]


def test_errors_of_the_docs_are_said(tmp_path: Path) -> None:
    table = re.findall(r"^\| `(\{.*\})` \| `(.*)` \|$", DOCS, re.MULTILINE)
    assert len(table) == 10
    for row, said in table:
        assert complaint(jsonl(tmp_path, row)) == f":1: {said}"


def test_unknown_name() -> None:
    with pytest.raises(UsageError, match=r"unknown suite 'speach'.*speech"):
        load_suite("speach")


def test_name_of_a_suite_from_a_file(tmp_path: Path) -> None:
    mine, speech = jsonl(tmp_path, ROW), jsonl(tmp_path, ROW, name="speech.jsonl")
    suite = load_suite(str(mine))
    assert (suite.name, suite.version, suite.prompts[0].suite) == ("mine", "file", "mine")
    assert load_suite(str(speech)).name == "speech.jsonl", "must not pass for the bundled suite"


def test_bundled_suite() -> None:
    suite = load_suite("speech-zh")
    assert suite.digest == digest(suite.prompts)
    assert {prompt.suite for prompt in suite.prompts} == {"speech-zh"}


def test_digest_is_of_content_not_of_place(tmp_path: Path) -> None:
    digests = []
    for folder, image in (("one", b"1"), ("two", b"1"), ("three", b"3")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "face.png").write_bytes(image)
        path = jsonl(tmp_path / folder, {"id": "a", "ref_image": "face.png"}, name=f"{folder}.jsonl")
        digests.append(load_suite(str(path)).digest)
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    "change", [{"id": "b"}, {"seconds": 5.0}, {"tags": ("a:b",)}, {"speech": (SpeechLine("Hi."),)}]
)
def test_digest_sees_every_field_and_the_order(change: dict[str, object]) -> None:
    one, other = Prompt("a"), replace(Prompt("a"), **change)  # type: ignore[arg-type]
    assert digest([one]) != digest([other])
    assert digest([one, other]) != digest([other, one])


def test_digest_golden() -> None:
    """The digest is in every run.json; a change of its definition would make old runs look stale."""
    prompt = Prompt("a", "any", "A dog.", speech=(SpeechLine("Hi."),), tags=("event:dog",))
    assert digest([prompt]) == "905bd1f2bf53bd3ff0e6c2190dfcc7db78601f365664fab0223fcd97f6316451"


LEAF = st.none() | st.booleans() | st.floats() | st.text(max_size=9)
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["id", "video_caption", "speech", "tags", "seconds", "off_screen", "spoken_word_en", "ref_image", "subset"]


@settings(max_examples=60, deadline=None)  # the machine may be busy
@given(st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON, st.sampled_from([".jsonl", ".csv"]))
def test_any_row_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, row: object, suffix: str) -> None:
    read_or_refused(tmp_path_factory.getbasetemp() / f"any{suffix}", json.dumps(row).encode())


@settings(deadline=None)
@given(st.binary() | st.text().map(str.encode), st.sampled_from([".jsonl", ".csv"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str) -> None:
    read_or_refused(tmp_path_factory.getbasetemp() / f"any{suffix}", data)


def read_or_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        prompts = read_prompts(path)
    except UsageError as error:
        assert str(error).startswith(f"{path}:")
    else:
        assert [prompt_from_json(prompt_to_json(prompt)) for prompt in prompts] == list(prompts)


PROMPTS = st.builds(
    Prompt,
    id=st.text(min_size=1),
    suite=st.text(),
    video_caption=st.text(),
    audio_caption=st.text(),
    speech=st.lists(st.builds(SpeechLine, st.text(), st.sampled_from(["en", "zh"]), st.text())).map(tuple),
    reference_image=st.none() | st.just(Path("/a/\udcff.png")),  # a file name that is not UTF-8
    reference_audio=st.none() | st.just(Path("/a/b.wav")),
    seconds=st.floats(min_value=0, max_value=3600, exclude_min=True),
    off_screen=st.booleans(),
    tags=st.lists(st.text()).map(tuple),
)


@settings(deadline=None)
@given(PROMPTS)
def test_json_round_trip(prompt: Prompt) -> None:
    text = prompt_to_json(prompt)
    assert prompt_from_json(text) == prompt
    assert text.isascii()
    assert prompt_to_json(prompt_from_json(text)) == text


def test_json_refuses_what_is_not_json() -> None:
    with pytest.raises(ValueError, match="JSON"):
        prompt_to_json(Prompt("a", seconds=math.inf))
