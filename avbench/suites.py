"""Suites by name, or from the user's own JSONL or CSV file, checked line by line before any work starts.

A row is spelled in the fields of `Prompt` or in those of Harmony-Bench (`audio_caption`, `video_caption`,
`spoken_word_en`, `spoken_word_zh`, `subset`, `ref_image`, `ref_audio`). docs/suites.md describes both.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path

from avbench import registry
from avbench.errors import UsageError
from avbench.parts import Benchmark
from avbench.paths import decoded
from avbench.records import Prompt, SpeechLine, Suite
from avbench.rows import Row, read_rows, shown

LANGUAGES = ("en", "zh")

_LONGEST = 3600  # seconds; a slipped digit should not start a day of rendering
_REFERENCES = ("reference_image", "reference_audio", "reference_video")
_HARMONY = {"subset": "suite", "ref_image": "reference_image", "ref_audio": "reference_audio"}
_SPOKEN = {f"spoken_word_{language}": language for language in LANGUAGES}
_KNOWN = (*(field.name for field in fields(Prompt)), *_HARMONY, *_SPOKEN)
_SPEECH_KEYS = tuple(field.name for field in fields(SpeechLine))


def load_suite(name_or_path: str) -> Suite:
    """The suite of that name, or the one in the user's `.jsonl` or `.csv` file.

    A file's suite is called by its stem, or by its whole name where the stem is already a bundled suite's. Raises
    UsageError for an unknown name, and for wrong data naming file, line, field and the mend.
    """
    path, known = Path(name_or_path), registry.names(Benchmark)
    if name_or_path not in known and (path.suffix or len(path.parts) > 1 or path.exists()):
        name = decoded(path.name if path.stem in known else path.stem)
        prompts = read_prompts(path, suite=name)
        return Suite(name, "file", digest(prompts), prompts)
    benchmark = registry.load(Benchmark, name_or_path)()
    prompts = tuple(replace(prompt, suite=name_or_path) for prompt in benchmark.prompts())
    if len({_identity(prompt.id) for prompt in prompts}) < len(prompts):
        raise UsageError(f"suite {name_or_path!r} has two prompts of the same id")
    return Suite(name_or_path, benchmark.version, digest(prompts), prompts)


def read_prompts(path: Path, *, suite: str = "", language: str = "en") -> tuple[Prompt, ...]:
    """The prompts of a UTF-8 `.jsonl` (one object a line) or `.csv` (a header line) file, in order.

    `language` picks the transcript of rows that carry both. References are found relative to the file. A row's
    own `suite` or `subset` becomes the tag `subset:NAME` unless it equals `suite`. Raises UsageError.
    """
    prompts: list[Prompt] = []
    lines: dict[str, int] = {}
    for row in read_rows(path):
        prompt = prompt_of(row, suite, language)
        first = lines.setdefault(_identity(prompt.id), row.line)
        if first != row.line:
            row.refuse("id", f"{prompt.id!r} is already the id of line {first} (case and Unicode form do not count)")
        prompts.append(prompt)
    if not prompts:
        raise UsageError(f"{path}: holds no prompt")
    return tuple(prompts)


def prompt_of(row: Row, suite: str = "", language: str = "en") -> Prompt:
    """The prompt that one row spells. Raises UsageError naming file, line and field."""
    for field in row.cells:
        if field not in _KNOWN:
            row.refuse(field, f"unknown field{_hint(field, _KNOWN)}")
    for harmony, own in _HARMONY.items():
        if row.text(harmony) and row.text(own):
            row.refuse(harmony, f"says the same as {own}; keep one of the two")
    if not row.text("id").strip():
        row.refuse("id", "missing; every prompt needs an id of its own")
    subset = row.text("suite") or row.text("subset")
    tags = _tags(row)
    if subset not in ("", suite):
        tags = (*tags, f"subset:{'-'.join(subset.split())}")
    prompt = Prompt(
        id=row.text("id"),
        suite=suite,
        video_caption=row.text("video_caption"),
        audio_caption=row.text("audio_caption"),
        speech=_speech(row, language),
        reference_image=_reference(row, "reference_image", "ref_image"),
        reference_audio=_reference(row, "reference_audio", "ref_audio"),
        reference_video=_reference(row, "reference_video"),
        seconds=_seconds(row),
        off_screen=_off_screen(row),
        tags=tags,
    )
    asked = (prompt.video_caption, prompt.audio_caption, prompt.speech, *(getattr(prompt, r) for r in _REFERENCES))
    if not any(asked):
        row.refuse("video_caption", "nothing is asked; give a caption, speech or a reference")
    return prompt


def digest(prompts: Sequence[Prompt]) -> str:
    """SHA-256 (hex) of the prompts' canonical JSON, in order.

    The suite's name does not count, and a reference counts by its content, so the digest is the same on every machine.
    """
    total = hashlib.sha256()
    for prompt in prompts:
        item = _as_dict(replace(prompt, suite=""))
        for field in _REFERENCES:
            if field in item:
                item[field] = _file_digest(Path(str(item[field])))
        total.update(_dump(item).encode() + b"\n")
    return total.hexdigest()


def prompt_to_json(prompt: Prompt) -> str:
    """Canonical JSON: ASCII, keys sorted, empty fields left out. `prompt_from_json` gives the same prompt back."""
    return _dump(_as_dict(prompt))


def prompt_from_json(text: str) -> Prompt:
    """The prompt that `prompt_to_json` wrote."""
    item = json.loads(text)
    item["speech"] = tuple(SpeechLine(**line) for line in item.get("speech", ()))
    item["tags"] = tuple(item.get("tags", ()))
    for field in set(_REFERENCES) & set(item):
        item[field] = Path(item[field])
    return Prompt(**item)


def _speech(row: Row, language: str) -> tuple[SpeechLine, ...]:
    spoken = {spoken: row.text(field) for field, spoken in _SPOKEN.items() if row.text(field).strip()}
    lines = row.cells.get("speech")
    if not lines:
        chosen = language if language in spoken else next(iter(spoken), "")
        return (SpeechLine(spoken[chosen], chosen),) if chosen else ()
    if spoken:
        row.refuse("speech", f"says the same as spoken_word_{next(iter(spoken))}; keep one of the two")
    if not isinstance(lines, list):
        row.refuse("speech", f'must be a list such as [{{"text": "Hello.", "language": "en"}}], got {shown(lines)}')
    return tuple(
        _speech_line(row.nested("speech", index, line), f"speech[{index}].") for index, line in enumerate(lines)
    )


def _speech_line(row: Row, prefix: str) -> SpeechLine:
    for field in row.cells:
        if field.removeprefix(prefix) not in _SPEECH_KEYS:
            row.refuse(field, f"unknown field{_hint(field.removeprefix(prefix), _SPEECH_KEYS)}")
    text, language = row.text(prefix + "text"), row.text(prefix + "language") or "en"
    if not text.strip():
        row.refuse(prefix + "text", "missing; say what is spoken, or leave the line out")
    if language not in LANGUAGES:
        row.refuse(prefix + "language", f"unknown language {language!r}; known: {', '.join(LANGUAGES)}")
    return SpeechLine(text, language, row.text(prefix + "speaker"))


def _tags(row: Row) -> tuple[str, ...]:
    tags = row.cells.get("tags")
    if tags is None:
        return ()
    if not isinstance(tags, list):
        row.refuse("tags", f'must be a list such as ["event:bell"], got {shown(tags)}')
    for index, tag in enumerate(tags):
        key, _, value = tag.partition(":") if isinstance(tag, str) else ("", "", "")
        if not key or not value or tag.split() != [tag]:
            row.refuse(f"tags[{index}]", f"must read key:value without spaces, got {shown(tag)}")
    return tuple(tags)


def _reference(row: Row, *spellings: str) -> Path | None:
    for field in spellings:
        if value := row.text(field):
            path = row.path.parent.resolve() / value
            if not path.is_file():
                row.refuse(field, f"no such file: {path} (relative paths start from the suite's file)")
            return path
    return None


def _seconds(row: Row) -> float:
    value = row.cells.get("seconds")
    if value is None:
        return Prompt(id="").seconds
    if isinstance(value, bool) or not isinstance(value, int | float):
        row.refuse("seconds", f"must be a number, got {shown(value)}")
    if not 0 < value <= _LONGEST:  # false for NaN as well
        row.refuse("seconds", f"must be above 0 and at most {_LONGEST}, got {shown(value)}")
    return float(value)


def _off_screen(row: Row) -> bool:
    value = row.cells.get("off_screen")
    if value is None:
        return False
    if not isinstance(value, bool):
        row.refuse("off_screen", f"must be true or false, got {shown(value)}")
    return value


def _as_dict(prompt: Prompt) -> dict[str, object]:
    values = {field.name: getattr(prompt, field.name) for field in fields(prompt)}
    item: dict[str, object] = {key: str(v) if isinstance(v, Path) else v for key, v in values.items() if v}
    if prompt.speech:
        item["speech"] = [{key: getattr(line, key) for key in _SPEECH_KEYS} for line in prompt.speech]
    return item


def _dump(item: Mapping[str, object]) -> str:
    return json.dumps(item, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def _identity(prompt_id: str) -> str:
    """What two ids must not share: file systems and spreadsheets confuse case and Unicode normal forms."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", prompt_id).casefold())


def _hint(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"
