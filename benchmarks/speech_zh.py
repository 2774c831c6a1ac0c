"""The Chinese side of the suite speech: the same people, captions and meanings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avbench.parts import Benchmark
from avbench.records import Prompt
from avbench.suites import read_prompts


class SpeechZh(Benchmark):
    """Reads the data of speech and takes the Chinese transcript of each row."""

    version = "1.0"
    summary = "the 50 people of speech, speaking Mandarin"

    def prompts(self) -> Sequence[Prompt]:
        return read_prompts(Path(__file__).with_name("speech.jsonl"), suite="speech-zh", language="zh")
