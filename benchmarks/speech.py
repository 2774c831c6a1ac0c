"""50 people speaking English to the camera, in the style of Harmony-Bench's second subset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avbench.parts import Benchmark
from avbench.records import Prompt
from avbench.suites import read_prompts


class Speech(Benchmark):
    """The caption says who speaks and where, and nothing of what is said; each row also has the Chinese text."""

    version = "1.0"
    summary = "50 people speaking English to the camera, described in few words"

    def prompts(self) -> Sequence[Prompt]:
        return read_prompts(Path(__file__).with_name("speech.jsonl"), suite="speech")
