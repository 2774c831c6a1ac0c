"""Every form of output of one small board, word for word."""

from __future__ import annotations

import csv
import io
import json

import pytest

from avbench.leaderboard import Leaderboard
from avbench.parts import Report, TextReport
from avbench.registry import load, names

LEGEND = (
    "Each cell: mean ± half its 95 % interval (Student t, clustered by prompt) and clips scored/asked. "
    "Best and second best are marked where every difference to the other models of the block is significant (paired t "
    "test on the prompts in common, Holm, 5 %); ≈ marks models that may be the best and are not told apart. "
    "#a–b is the range of places left open, where there are more than two models. "
    "Guards give the share of clips flagged."
)

TABLE = """\
speech
metric                                         world             tiny_a
───────────────────────────────────────────────────────────────────────
av_align ↑ [signal]               0.500 ±0.250 2/2**  0.250 ±0.125 2/2*
lip_envelope_lag (s) →0 [signal]  0.000 ±0.010 2/2**         0.040 1/2*
loudness_lufs (LUFS) [signal]          -23.000 1/2               – 0/2
guard silent [signal]                       0% 2/2             50% 2/2

Each cell: mean ± half its 95 % interval (Student t, clustered by prompt) and clips scored/asked.
  Best and second best are marked where every difference to the other models of the block is
  significant (paired t test on the prompts in common, Holm, 5 %); ≈ marks models that may be the
  best and are not told apart. #a–b is the range of places left open, where there are more than two
  models. Guards give the share of clips flagged.
world · speech: 1 unscored (silent): loudness_lufs
tiny_a · speech: 1 unscored (no face): lip_envelope_lag
tiny_a · speech: 2 failed (invalid): loudness_lufs
"""

MARKDOWN = f"""\
### speech

| metric | world | tiny\\_a |
| --- | ---: | ---: |
| av\\_align ↑ \\[signal\\] | **0.500 ±0.250 2/2** | <ins>0.250 ±0.125 2/2</ins> |
| lip\\_envelope\\_lag (s) →0 \\[signal\\] | **0.000 ±0.010 2/2** | <ins>0.040 1/2</ins> |
| loudness\\_lufs (LUFS) \\[signal\\] | -23.000 1/2 | – 0/2 |
| guard silent \\[signal\\] | 0% 2/2 | 50% 2/2 |

- {LEGEND.replace("#", chr(92) + "#")}
- world · speech: 1 unscored (silent): loudness\\_lufs
- tiny\\_a · speech: 1 unscored (no face): lip\\_envelope\\_lag
- tiny\\_a · speech: 2 failed (invalid): loudness\\_lufs
"""

LATEX = rf"""% needs \usepackage{{booktabs}}

% speech
\begin{{tabular}}{{lrr}}
\toprule
metric & world & tiny\_a \\
\midrule
av\_align $\uparrow$ {{[}}signal{{]}} & \textbf{{0.500 $\pm$0.250 2/2}} & \underline{{0.250 $\pm$0.125 2/2}} \\
lip\_envelope\_lag (s) $\to$0 {{[}}signal{{]}} & \textbf{{0.000 $\pm$0.010 2/2}} & \underline{{0.040 1/2}} \\
loudness\_lufs (LUFS) {{[}}signal{{]}} & $-$23.000 1/2 & -- 0/2 \\
guard silent {{[}}signal{{]}} & 0\% 2/2 & 50\% 2/2 \\
\bottomrule
\end{{tabular}}

% {LEGEND}
% world · speech: 1 unscored (silent): loudness_lufs
% tiny_a · speech: 1 unscored (no face): lip_envelope_lag
% tiny_a · speech: 2 failed (invalid): loudness_lufs
"""

CSV = """\
model,suite,group,metric,backend,version,unit,direction,guard,of_set,mean,ci_low,ci_high,scored,asked,not_applicable,\
unscored,failed,not_finite,reason,mark,rank_best,rank_worst,source,table,benchmark,subset,note
world,speech,,av_align,signal,1,,up,False,False,0.5,0.25,0.75,2,2,0,0,0,0,,best,1,1,,,,,
world,speech,,lip_envelope_lag,signal,1,s,zero,False,False,-0.0001,-0.0101,0.0099,2,2,0,0,0,0,,best,,,,,,,
world,speech,,loudness_lufs,signal,1,LUFS,none,False,False,-23.0,,,1,2,0,1,0,0,silent,,,,,,,,
world,speech,,silent,signal,1,,down,True,False,0.0,,,2,2,0,0,0,0,,,,,,,,,
tiny_a,speech,,av_align,signal,1,,up,False,False,0.25,0.125,0.375,2,2,0,0,0,0,,second,2,2,,,,,
tiny_a,speech,,lip_envelope_lag,signal,1,s,zero,False,False,0.04,,,1,2,0,1,0,0,no face,second,,,,,,,
tiny_a,speech,,loudness_lufs,signal,1,LUFS,none,False,False,,,,0,2,0,0,2,0,invalid,,,,,,,,
tiny_a,speech,,silent,signal,1,,down,True,False,0.5,,,2,2,0,0,0,0,,,,,,,,,
"""


@pytest.fixture(autouse=True)
def _hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def rendered(form: str, board: Leaderboard) -> str:
    part = load(Report, form)()
    assert isinstance(part, TextReport)
    return part.render(board)


@pytest.mark.parametrize(("form", "text"), [("table", TABLE), ("markdown", MARKDOWN), ("latex", LATEX), ("csv", CSV)])
def test_golden(form: str, text: str, board: Leaderboard) -> None:
    assert rendered(form, board) == text


def test_json_holds_the_same_numbers_and_describes_the_measures(board: Leaderboard) -> None:
    content = json.loads(rendered("json", board), parse_constant=pytest.fail)
    assert [measure["column"]["name"] for measure in content["measures"]][-1] == "silent"
    assert content["measures"][1]["column"]["direction"] == "zero"
    rows = list(csv.DictReader(io.StringIO(CSV)))
    assert len(content["rows"]) == len(rows)
    for got, row in zip(content["rows"], rows, strict=True):
        assert {key: "" if value is None else str(value) for key, value in got.items()}.items() <= row.items()


@pytest.mark.parametrize("form", [name for name in names(Report) if issubclass(load(Report, name), TextReport)])
def test_every_form_ends_in_one_line_end_and_says_what_it_is(form: str, board: Leaderboard) -> None:
    part = load(Report, form)
    assert issubclass(part, TextReport) and part.summary and part.suffix.startswith(".")
    text = rendered(form, board)
    assert text.endswith("\n") and not text.endswith("\n\n")
