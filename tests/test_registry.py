from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from avbench import registry
from avbench.errors import UsageError
from avbench.parts import Benchmark, Generator, Metric, Report
from avbench.trainable import Decoder, Scorer, Trainable

KINDS = (Benchmark, Decoder, Generator, Metric, Report, Scorer)


def foreign(monkeypatch: pytest.MonkeyPatch, **points: str) -> None:
    found = {name: EntryPoint(name, value, "avbench.metrics") for name, value in points.items()}
    monkeypatch.setattr(registry, "_entry_points", lambda folder: found if folder == "metrics" else {})


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_has_a_summary_and_loads(kind: type[object]) -> None:
    names = registry.names(kind)
    assert names == sorted(names) and not any(name.startswith("_") for name in names)
    for name in names:
        assert registry.summary(kind, name)
        assert issubclass(registry.load(kind, name), kind)


def test_listing_imports_no_part() -> None:
    code = (
        "import sys; from avbench import registry\n"
        "for kind in registry.FOLDERS: [registry.summary(kind, name) for name in registry.names(kind)]\n"
        "heavy = [m for m in sys.modules if m.startswith('avbench.metrics.') or m in ('torch', 'numpy', 'pandas')]\n"
        "print([m for m in heavy if m != 'avbench.metrics._world'])"  # a folder of parts
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_names_get_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign(monkeypatch)
    with pytest.raises(UsageError, match="unknown metric 'av_alig'; did you mean av_align"):
        registry.load(Metric, "av_alig")
    with pytest.raises(UsageError, match=r"unknown suite '\.\./x'; known: ambient"):
        registry.load(Benchmark, "../x")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("avbench_no_such_module:X", "is broken: ModuleNotFoundError"),
        ("avbench.records:Nothing", "is broken: AttributeError"),
        ("avbench.records:Prompt", "is broken: it is not a Metric"),
        ("avbench.parts:Metric", "is broken: it is not a Metric"),
    ],
)
def test_broken_strangers_are_said_to_be(monkeypatch: pytest.MonkeyPatch, value: str, said: str) -> None:
    foreign(monkeypatch, stranger=value)
    assert "stranger" in registry.names(Metric)
    with pytest.raises(UsageError, match=said):
        registry.summary(Metric, "stranger")
    registry.load(Metric, "av_align")


def test_our_own_part_wins_over_a_stranger_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign(monkeypatch, av_align="avbench_no_such_module:X")
    assert registry.load(Metric, "av_align").__module__ == "avbench.metrics.av_align"


def test_generators_scorers_and_decoders_can_be_trained() -> None:
    assert issubclass(registry.load_trainable("harmony"), Trainable)
    for name in (*registry.names(Scorer), *registry.names(Decoder)):
        assert registry.load_trainable(name).presets
    with pytest.raises(UsageError, match="model 'world' cannot be trained here"):
        registry.load_trainable("world")
    with pytest.raises(UsageError, match="unknown model, scorer or decoder 'harmon'; did you mean harmony"):
        registry.load_trainable("harmon")
