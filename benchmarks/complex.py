"""50 scenes of speech with other sounds, in the style of Harmony-Bench's third subset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avbench.parts import Benchmark
from avbench.records import Prompt
from avbench.suites import read_prompts


class Complex(Benchmark):
    """36 speakers are in view; 14 narrators are not, and no face may be given their voice."""

    version = "1.0"
    summary = "50 people or unseen narrators speaking English among other sounds"

    def prompts(self) -> Sequence[Prompt]:
        return read_prompts(Path(__file__).with_name("complex.jsonl"), suite="complex")
