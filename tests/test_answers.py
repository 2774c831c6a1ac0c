"""What metrics promise: of columns that exist, and one answer a fault."""

from __future__ import annotations

import pytest

from avbench.answers import ALL, PICTURE, SOUND, TEXT, Answers, Fault, answers_of, but
from avbench.parts import Metric
from avbench.registry import load, names


@pytest.mark.parametrize("name", names(Metric))
def test_promises_are_about_columns_that_exist(name: str) -> None:
    metric = load(Metric, name)
    assert metric.answers.keys() <= {ALL, *(column.name for column in metric.columns)}


def test_a_fault_has_one_answer() -> None:
    with pytest.raises(ValueError, match="more than one answer to mute"):
        Answers(worse=(Fault.MUTE,), ignores=SOUND)


def test_a_column_of_its_own_wins() -> None:
    named, rest = Answers(ignores=TEXT), Answers(ignores=PICTURE)
    assert answers_of("a", {"a": named, ALL: rest}) == named
    assert answers_of("b", {"a": named, ALL: rest}) == rest
    assert answers_of("b", {"a": named}) == Answers()


def test_every_fault_is_of_one_kind() -> None:
    assert sorted((*SOUND, *PICTURE, *TEXT)) == sorted(Fault)
    assert Fault.MUTE not in but(SOUND, Fault.MUTE)
