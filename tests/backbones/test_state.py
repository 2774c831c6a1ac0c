"""Checkpoints are read as data, and every key must fit."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from avbench.errors import UsageError
from avbench.metrics._backbones._state import build, read_state


def _net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


class _Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", "legacy"])
def test_reads_what_was_saved(tmp_path: Path, suffix: str) -> None:
    state = _net().state_dict()
    path = tmp_path / f"net{suffix}"
    if suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=suffix != "legacy")
    read = read_state(path)
    assert list(read) == list(state) or set(read) == set(state)
    assert all(torch.equal(read[key], state[key]) for key in state)


def test_numbers_of_the_trainer_beside_the_weights_are_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    sampler = {"indexes": np.arange(5), "epoch": np.float64(3)}
    torch.save({"model": _net().state_dict(), "iteration": 7, "sampler": sampler}, path)
    assert "0.weight" in read_state(path, under="model")
    with pytest.raises(UsageError, match="no entry 'state_dict'"):
        read_state(path, under="state_dict")


def test_a_file_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    path, witness = tmp_path / "net.pth", tmp_path / "ran"
    torch.save({"model": _Bomb(witness)}, path)
    with pytest.raises(UsageError, match="not readable as plain tensors"):
        read_state(path)
    assert not witness.exists()


def test_absent_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.pth: no such file"):
        read_state(tmp_path / "absent.pth")
    whole = tmp_path / "whole.pth"
    torch.save(_net().state_dict(), whole)
    (tmp_path / "half.pth").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(UsageError, match=r"half\.pth: not readable"):
        read_state(tmp_path / "half.pth")


def test_a_compressed_archive_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """A bomb: half a megabyte that would become 500 MB."""
    torch.save({"w": torch.zeros(4)}, tmp_path / "net.pth")
    bomb = tmp_path / "bomb.pth"
    with zipfile.ZipFile(tmp_path / "net.pth") as good, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as bad:
        for entry in good.infolist():
            big = "/data/" in entry.filename
            bad.writestr(entry.filename, bytes(500_000_000) if big else good.read(entry))
    with pytest.raises(UsageError, match=r"bomb.pth: not readable as plain tensors .*500000000 bytes when unpacked"):
        read_state(bomb)


def test_torchscript_is_read_without_its_code(tmp_path: Path) -> None:
    net, path, stripped = _net().eval(), tmp_path / "net.pt", tmp_path / "stripped.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(net), path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(stripped, "w") as target:
        for name in source.namelist():
            target.writestr(name, b"raise SystemExit" if "/code/" in name else source.read(name))
    read, state = read_state(stripped), net.state_dict()
    assert set(read) == set(state)
    assert all(torch.equal(read[key], state[key]) for key in state)


def test_torchscript_with_foreign_globals_is_refused(tmp_path: Path) -> None:
    path, witness = tmp_path / "net.pt", tmp_path / "ran"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/constants.pkl", b"")
        archive.writestr("net/data.pkl", pickle.dumps(_Bomb(witness), protocol=2))
    with pytest.raises(UsageError, match="refuses"):
        read_state(path)
    assert not witness.exists()


def test_a_fitting_state_is_taken_over() -> None:
    net = _net().eval()
    state = {key: value for key, value in net.state_dict().items() if not key.endswith("num_batches_tracked")}
    built = build(_net, {**state, "extra.weight": torch.zeros(1)}, "net.pth", unused=("extra.*",))
    x = torch.randn(2, 3)
    assert torch.equal(built(x), net(x))
    assert not built.training
    assert built[0].weight.data_ptr() == state["0.weight"].data_ptr()


def test_every_key_that_does_not_fit_is_named() -> None:
    state = _net().state_dict()
    state["0.weight"] = torch.zeros(4, 5)
    state["2.weight"] = state.pop("1.bias")
    with pytest.raises(UsageError) as error:
        build(_net, state, "net.pth")
    for part in ("net.pth", "missing: 1.bias", "unexpected: 2.weight", "0.weight is (4, 5), not (4, 3)"):
        assert part in str(error.value)
