"""gate.toml: strict, with the line of whatever is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from avbench.errors import UsageError
from avbench.gate.config import Margin, Scale, default_text, line_of, parse, read_config
from avbench.gate.init import text_for
from avbench.leaderboard import Measure
from avbench.records import Column, Direction

GOOD = "[gate]\nalpha = 0.01\n\n[metrics.wer]\nmargin = '5 %'\ndirection = 'down'\n"


def test_a_config_is_read() -> None:
    config = parse(GOOD, "gate.toml")
    (rule,) = config.rules.values()
    assert (config.alpha, config.minimum_prompts, rule.metric, rule.line) == (0.01, 20, "wer", 4)
    assert rule.direction is Direction.DOWN and rule.margin == Margin(5, Scale.MEAN)
    assert rule.margin.of(-0.4, 9) == pytest.approx(0.02) and Margin(0.5, Scale.SPREAD).of(1, 4) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[gate\n", r"gate\.toml: not TOML: .*line 1"),
        ("a = 1\n[metrics.x]\nmargin = 1", r"gate\.toml:1: a: unknown; known: gate, clips, guards, metrics"),
        ("[gates]\n[metrics.x]\nmargin = 1", r"gate\.toml:1: gates: unknown; did you mean gate"),
        ("\n[gate]\n# no\nalpa = 1\n[metrics.x]\nmargin = 1", r"gate\.toml:4: gate\.alpa: unknown; did you mean alpha"),
        ("[gate]\nalpha = 5\n[metrics.x]\nmargin = 1", r"gate\.toml:2: gate\.alpha: must be a number from .* got 5"),
        ("[gate]\nseed = true\n[metrics.x]\nmargin = 1", r"gate\.toml:2: gate\.seed: must be a whole number"),
        ("gate = 3\n[metrics.x]\nmargin = 1", r"gate\.toml:1: gate: must be a table"),
        ("[guards]\nignore = 'a'\n[metrics.x]\nmargin = 1", r"gate\.toml:2: guards\.ignore: must be a list"),
        ("[metrics.x]\nmargin = -1", r"gate\.toml:2: metrics\.x\.margin: must be a number from 0 up"),
        ("[metrics.x]\nmargin = nan", r"gate\.toml:2: metrics\.x\.margin"),
        ("[metrics.x]\nmargin = '5 stars'", r"gate\.toml:2: metrics\.x\.margin: .*\"0\.25 sd\", got '5 stars'"),
        ("[metrics.x]\nmargin = 1\ndirection = 'left'", r"gate\.toml:3: metrics\.x\.direction: must be one of up"),
        ("[metrics.x]\nmarginn = 1", r"gate\.toml:2: metrics\.x\.marginn: unknown; did you mean margin"),
        ("[metrics.x]", r"gate\.toml:1: metrics\.x: margin is missing"),
        ("metrics = {x = {margin = -1}}", r"gate\.toml:1: metrics\.x\.margin"),
        ("[gate]\n", r"no \[metrics\.NAME\] section"),
        ("".join(f"[metrics.m{i}]\nmargin = 1\n" for i in range(9)), r"gate\.toml:17: metrics\.m8: at most 8"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse(text, "gate.toml")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--init"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(UsageError, match="UTF-8"):
        read_config(tmp_path / "latin.toml")


def test_lines_of_quoted_and_dotted_keys() -> None:
    assert line_of('[metrics."a.b"]\nmargin = 1', "metrics.a.b.margin") == 2
    assert line_of("[gate]\nx = 1\n[metrics]\nwer.margin = 1", "metrics.wer.margin") == 4


def test_the_default_uses_what_the_baseline_has() -> None:
    config = read_config(None)
    assert config.default and list(config.rules_for(["av_align", "wer"])) == ["av_align"]
    with pytest.raises(UsageError, match="none of the metrics of the default gate"):
        config.rules_for(["wer"])
    assert parse(default_text(), "x").rules == config.rules


def test_a_config_about_a_run_names_its_metrics_and_can_be_read() -> None:
    from avbench.snapshot import Snapshot

    columns = [
        Column("av_align", "", Direction.UP, 0, 1, "", ""),
        Column("silent", "", Direction.DOWN, 0, 1, "", "", True),
    ]
    columns += [Column(f"m.{i}", "", Direction.DOWN, 0, 1, "", "") for i in range(9)]
    columns.append(Column("bandwidth_hz", "", Direction.NONE, 0, 1, "", ""))
    columns.insert(2, Column("never", "", Direction.DOWN, 0, 1, "", ""))
    import pandas as pd

    names = [column.name for column in columns]
    values = [float(i * (name != "never")) for name in names for i in range(2)]
    scores = pd.DataFrame({"metric": [name for name in names for _ in range(2)], "value": values})
    run = Snapshot("r", scores, tuple(Measure(c, "signal") for c in columns), {}, {}, {})
    text = text_for(run)
    assert list(parse(text, "x").rules) == ["av_align", *(f"m.{i}" for i in range(7))]
    assert '# [metrics."m.8"]\n# margin = "0.25 sd"' in text and "# [metrics.bandwidth_hz]" in text
    assert "# [metrics.never]" in text  # all of its clips have one value: no spread to take a margin of
    assert "[metrics.silent]" not in text and text_for(None) == default_text()
