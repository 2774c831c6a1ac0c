"""What a run is asked: which clips, to be made or already there, and which metrics."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from avbench.clips import find_clips, read_manifest
from avbench.errors import UsageError
from avbench.parts import Generator
from avbench.paths import decoded, slug
from avbench.plan import Grid, chosen, default_out, fingerprint, seed_indices, split
from avbench.progress import say_some
from avbench.records import Clip, Prompt, Suite
from avbench.reference import SUFFIX
from avbench.store import is_run, load_clips
from avbench.suites import digest, load_suite


@dataclass(frozen=True, slots=True)
class Question:
    """What a run answers. Clips of `models` are made; without models they are there already.

    `suites` are whole, `clips` are those that are asked for. `metrics` is the option's text, empty for none.
    `options` is what the user gave, for run.json. `reference` asks for the clips that statistics of sets compare with,
    or is a file of their statistics. `diagnostics` asks generators for heat maps of the making.
    """

    out: Path
    clips: Sequence[Clip]
    suites: tuple[Suite, ...]
    models: tuple[str, ...] = ()
    metrics: str = "core"
    fresh: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    reference: Question | Path | None = None
    diagnostics: bool = False

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The (model, suite) pairs that are asked for."""
        return list(dict.fromkeys((clip.model, clip.prompt.suite) for clip in self.clips))


def to_make(
    models: str, suites: str, *, limit: int | None = None, seeds: str = "0", out: Path | None = None, **more: Any
) -> Question:
    """The question that options in words ask: make clips of suites (names or files) with models.

    `more` goes to the question as it is. Raises UsageError for whatever is unknown, and when no prompt is left.
    """
    names = chosen(Generator, models)
    loaded = tuple(load_suite(word) for word in split(suites))
    if not loaded:
        raise UsageError("no suite named; see avbench list suites")
    if limit == 0:
        raise UsageError("nothing to do: --limit 0 leaves no prompt")
    run_dir = out or default_out(names, [suite.name for suite in loaded])
    return Question(run_dir, Grid(run_dir, names, loaded, seed_indices(seeds), limit), loaded, names, **more)


def to_score(
    path: Path,
    *,
    suite: str | None = None,
    manifest: Path | None = None,
    model: str = "",
    out: Path | None = None,
    complete: bool = False,
    **more: Any,
) -> Question:
    """The question that asks for the scores of clips which are there: a file, a folder, or a run directory.

    `suite` or `manifest` tell the prompts of a folder's clips; a run directory knows its own. With `complete` the
    suite's prompts without a clip are asked for as well, and fail. Raises UsageError.
    """
    if complete and not suite:
        raise UsageError("--complete is about the prompts of --suite; a manifest's clips must be there anyway")
    if suite and manifest:
        raise UsageError("--suite and --manifest both say what the prompts are; give one of them")
    if is_run(path):
        if suite or manifest or model:
            raise UsageError(f"{path} is a run directory and knows its prompts and models; leave out those options")
        clips = tuple(load_clips(path))
        if not clips:
            raise UsageError(f"nothing to score: the run {path} has no clip")
        return Question(out or path, clips, _suites(clips), **more)
    folder = path.resolve()
    model = decoded(model or folder.name)
    run_dir = out or Path("runs", f"{slug(decoded(folder.name))}-{fingerprint(str(os.fsencode(folder)))[:8]}")
    if manifest:
        clips = read_manifest(manifest, path, model)
        gone = [clip.path.name for clip in clips if not clip.path.exists()]
        say_some("clips of the manifest are not there and count as failed", gone)
        return Question(run_dir, clips, _suites(clips), **more)
    loaded = load_suite(suite) if suite else None
    found = find_clips(path, model, loaded)
    say_some("files are not media and are ignored", [file.name for file in found.ignored])
    say_some("symbolic links leave the folder and are not followed", [file.name for file in found.links])
    say_some("audio files are the side-car of a video of the same name", [file.name for file in found.sidecars])
    say_some("clips match no prompt and are left out", [file.name for file in found.extra])
    say_some(f"prompts have no clip{' and count as failed' * complete}", [prompt.id for prompt in found.missing])
    lost = [Clip(folder / f"{slug(prompt.id)}.mp4", prompt, model) for prompt in found.missing] if complete else []
    return Question(run_dir, (*found.clips, *lost), (loaded,) if loaded else _suites(found.clips), **more)


def compared(question: Question, reference: Path, suite: str | None = None) -> Question:
    """`question`, with what to compare its sets with: clips, as in `reference_clips`, or a file of their statistics.

    Raises UsageError.
    """
    if reference.suffix == SUFFIX and reference.is_file():
        return replace(question, reference=reference)
    return replace(question, reference=reference_clips(reference, suite))


def reference_clips(path: Path, suite: str | None = None) -> Question:
    """The question that asks for what metrics of sets keep of the clips in a folder or a run directory.

    Where metrics compare pairs, a folder's files are named by the prompts of `suite`. Its run directory depends on the
    folder alone, so that the runs of all models share it. Raises UsageError.
    """
    if is_run(path):
        return to_score(path)
    asked = to_score(path, suite=suite, model="reference")
    return replace(asked, out=asked.out.with_name(f"reference-{asked.out.name}"))


def _suites(clips: Sequence[Clip]) -> tuple[Suite, ...]:
    """The suites that the clips' own prompts make up."""
    prompts: dict[str, dict[str, Prompt]] = {}
    for clip in clips:
        prompts.setdefault(clip.prompt.suite, {})[clip.prompt.id] = clip.prompt
    return tuple(
        Suite(name, "file", digest(tuple(by_id.values())), tuple(by_id.values())) for name, by_id in prompts.items()
    )
