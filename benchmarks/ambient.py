"""50 sounding scenes without speech, in the style of Harmony-Bench's first subset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avbench.parts import Benchmark
from avbench.records import Prompt
from avbench.suites import read_prompts


class Ambient(Benchmark):
    """Each of the 22 event classes sounds alone in two prompts; six prompts join two classes."""

    version = "1.0"
    summary = "50 sounding scenes without speech: what happens must be heard when it is seen"

    def prompts(self) -> Sequence[Prompt]:
        return read_prompts(Path(__file__).with_name("ambient.jsonl"), suite="ambient")
