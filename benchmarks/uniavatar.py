"""100 portraits that speak, in the style of UniAvatar-Bench (JoVA): identity in face and voice, and the transcript."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avbench.parts import Benchmark
from avbench.records import Prompt
from avbench.suites import read_prompts


class UniAvatar(Benchmark):
    """The rows name a speaker of the world instead of reference files; docs/suites.md tells how to bring portraits."""

    version = "1.0"
    summary = "100 portraits speaking English, for identity in face and voice"

    def prompts(self) -> Sequence[Prompt]:
        return read_prompts(Path(__file__).with_name("uniavatar.jsonl"), suite="uniavatar")
