"""What a report that shows clips is made of: the leaderboard, and behind it every score, clip and prompt."""

from __future__ import annotations

from dataclasses import dataclass

from avbench.leaderboard import Leaderboard
from avbench.records import Prompt
from avbench.results import Results, Run, read_prompts
from avbench.store import Entry, load_entries


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One clip, made or not. `model` is its model's name in the results, `run` where it comes from."""

    model: str
    entry: Entry
    run: Run


@dataclass(frozen=True, slots=True)
class Evidence:
    """The leaderboard and what it rests on. Prompts are in the order of their suites, each once."""

    board: Leaderboard
    results: Results
    prompts: tuple[Prompt, ...]
    exhibits: tuple[Exhibit, ...]


def gather(board: Leaderboard, results: Results) -> Evidence:
    """Read what the runs of `results` hold beside scores. Raises UsageError for a run without its ledger."""
    return Evidence(
        board,
        results,
        tuple(read_prompts([run.folder for run in results.runs])),
        tuple(
            Exhibit(_label(run, entry.clip.model, len(results.runs)), entry, run)
            for run in results.runs
            for entry in load_entries(run.folder)
        ),
    )


def _label(run: Run, model: str, runs: int) -> str:
    """A model without a single score has no label: its run tells it apart where there are several."""
    return run.labels.get(model) or (f"{model} @ {run.name}" if runs > 1 else model)
