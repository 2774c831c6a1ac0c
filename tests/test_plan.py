from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avbench.errors import IncompleteError, UsageError
from avbench.plan import Grid, MetricFacts, budget, choose_metrics, clip_path, sampling_seed, seed_indices
from avbench.records import Column, Direction, Prompt, Suite


def facts(name: str, *columns: str, core: bool = True, broken: str = "") -> MetricFacts:
    made = tuple(Column(column, "", Direction.UP, 0, 1, "", "") for column in columns)
    return MetricFacts(name, made, "signal", "1", core, "key", broken)


FACTS = [
    facts("loud", "lufs"),
    facts("lips", "lag", "corr"),
    facts("extra", "x", core=False),
    facts("bad", core=False, broken="no"),
]


def test_sampling_seeds_are_pinned() -> None:
    # Changing these makes every published run irreproducible.
    assert sampling_seed("harmony", "speech-01", 0) == 12983243103585207846
    assert sampling_seed("harmony", "speech-01", 1) == 8772051015795316611
    assert sampling_seed("world", "语音", 0) == 5074369776172048979


@given(st.text(), st.text(), st.integers(0, 99), st.text(), st.text(), st.integers(0, 99))
def test_other_clips_have_other_seeds(m: str, p: str, s: int, m2: str, p2: str, s2: int) -> None:
    assert 0 <= sampling_seed(m, p, s) < 2**64
    assert (sampling_seed(m, p, s) == sampling_seed(m2, p2, s2)) == ((m, p, s) == (m2, p2, s2))


def test_a_grid_has_every_clip_once(tmp_path: Path) -> None:
    suites = tuple(Suite(name, "1", "0", tuple(Prompt(f"{name}{i}", name) for i in range(3))) for name in "xy")
    grid = Grid(tmp_path, ("a", "b"), suites, seeds=(0, 4), limit=2)
    clips = list(grid)
    assert len(grid) == len(clips) == len({clip.path for clip in clips}) == 16
    assert [(clip.model, clip.prompt.id, clip.seed) for clip in clips[:5]] == [
        ("a", "x0", 0), ("a", "x0", 4), ("a", "x1", 0), ("a", "x1", 4), ("a", "y0", 0),
    ]  # fmt: skip
    assert grid[0] == clips[0] and list(grid[-2:]) == clips[-2:]
    assert clips[0].path == tmp_path.resolve() / clip_path("a", "x", "x0", 0)


def test_metrics_are_chosen_by_set_name_or_column() -> None:
    def names(words: str) -> list[str]:
        return [metric.name for metric in choose_metrics(words, FACTS).metrics]

    assert names("core") == ["loud", "lips"]
    assert names("corr") == names("lips") == names("lag,corr") == ["lips"]
    assert names("extra, lufs") == ["loud", "extra"]
    assert names("core,x") == ["loud", "lips", "extra"]
    assert choose_metrics("core,x", FACTS).required == {"extra"}
    assert [metric.name for metric in choose_metrics("core", FACTS).skipped] == ["bad"]
    with pytest.raises(UsageError, match=r"unknown metric 'lufz'.*lufs"):
        choose_metrics("lufz", FACTS)
    with pytest.raises(IncompleteError, match="'bad' was asked for and cannot be loaded: no"):
        choose_metrics("bad", FACTS)
    with pytest.raises(UsageError, match="no metric"):
        choose_metrics(" , ", FACTS)


@pytest.mark.parametrize("order", [1, -1])
def test_a_column_of_a_paper_is_not_the_worlds(order: int) -> None:
    small = replace(facts("lips_world", "lag"), backend="world-1")
    assert [metric.name for metric in choose_metrics("lag", [*FACTS, small][::order]).metrics] == ["lips"]
    assert [metric.name for metric in choose_metrics("lips_world", [*FACTS, small]).metrics] == ["lips_world"]


@given(st.text(), st.text(), st.text(), st.integers(0, 10**6))
def test_clip_paths_stay_inside(model: str, suite: str, prompt: str, seed: int) -> None:
    path = clip_path(model, suite, prompt, seed)
    assert path.parts[0] == "clips" and len(path.parts) == 4 and ".." not in path.parts
    assert len(path.name) < 120 and path.suffix == ".mp4"


def test_plain_names_are_kept() -> None:
    assert clip_path("harmony", "speech", "speech-01", 2) == Path("clips/harmony/speech/speech-01_s2.mp4")


@pytest.mark.parametrize(
    ("text", "failed", "exceeded"),
    [
        *[("0", 0, False), ("0", 1, True), ("3", 3, False), ("3", 4, True), ("0.1", 10, False), ("0.1", 11, True)],
        *[("5%", 5, False), ("5%", 6, True), ("1.0", 100, False), ("0.0", 1, True)],
    ],
)
def test_failure_budget(text: str, failed: int, exceeded: bool) -> None:
    assert budget(text).exceeded(failed, 100) is exceeded


@pytest.mark.parametrize("text", ["", "x", "-1", "nan", "inf", "%"])
def test_failure_budget_refuses(text: str) -> None:
    with pytest.raises(UsageError, match="--max-failures"):
        budget(text)


def test_seed_indices() -> None:
    assert seed_indices("0, 2,1,2") == (0, 2, 1)
    for words in ("", "a", "-1", "1.5", "²"):
        with pytest.raises(UsageError, match="--seeds"):
            seed_indices(words)
