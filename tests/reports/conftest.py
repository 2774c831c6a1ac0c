"""Small boards, made by hand."""

from __future__ import annotations

import pytest

from avbench.leaderboard import Cell, Leaderboard, Mark, Measure, Row
from avbench.records import Column, Direction
from avbench.statistics.ranks import Places


def measure(name: str, unit: str, direction: Direction, guard: bool = False) -> Measure:
    return Measure(Column(name, unit, direction, -10, 10, "what it is", "a paper", guard), "signal", "1")


MEASURES = (
    measure("av_align", "", Direction.UP),
    measure("lip_envelope_lag", "s", Direction.ZERO),
    measure("loudness_lufs", "LUFS", Direction.NONE),
)
GUARDS = (measure("silent", "", Direction.DOWN, guard=True),)


@pytest.fixture
def board() -> Leaderboard:
    """Two models on one suite; the second has a clip without a face and a measure that nothing could be said of."""
    world = Row(
        "world",
        "speech",
        "",
        (
            Cell(0.5, 0.25, 0.75, scored=2, mark=Mark.BEST, place=Places(1, 1)),
            Cell(-0.0001, -0.0101, 0.0099, scored=2, mark=Mark.BEST),
            Cell(-23.0, scored=1, unscored=1, reason="silent"),
        ),
        (Cell(0.0, scored=2),),
    )
    tiny = Row(
        "tiny_a",
        "speech",
        "",
        (
            Cell(0.25, 0.125, 0.375, scored=2, mark=Mark.SECOND, place=Places(2, 2)),
            Cell(0.04, scored=1, unscored=1, reason="no face", mark=Mark.SECOND),
            Cell(failed=2, reason="invalid"),
        ),
        (Cell(0.5, scored=2),),
    )
    return Leaderboard(MEASURES, GUARDS, (world, tiny))


HOSTILE = (
    "=cmd|'/c calc'!A0 | `x` [a](javascript:b) <script>alert(1)</script> \\input{x} $x$ & 50% #_^~\n## \x1b[31m @you"
)


@pytest.fixture
def hostile() -> Leaderboard:
    """A board whose model, group and reason are made to break out of their cells."""
    row = Row(HOSTILE, "speech", HOSTILE, (Cell(-1.5, scored=1, failed=1, reason=HOSTILE),), ())
    return Leaderboard(MEASURES[:1], (), (row,), "tag")
