"""What clips leave behind for the statistics of their set: small arrays, kept in the ledger, read clip by clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avbench.records import Status
from avbench.set_metric import Material, Materials
from avbench.store import DATABASE, reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIMIT = 4 * 1024**2  # bytes a clip and metric
_OF_SET = (
    " FROM materials JOIN clips ON clip = clips.id JOIN prompts USING (suite, prompt_id)"
    " WHERE part = ? AND ? IN ('', model) AND ? IN ('', suite) AND ? IN ('', subset)"
)


@dataclass(frozen=True, slots=True)
class Left:
    """What one clip left for one set metric: packed arrays, or the reason why there are none."""

    data: bytes = b""
    status: Status = Status.OK
    reason: str = ""


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The arrays as safetensors. Raises ValueError above the limit."""
    import numpy as np
    from safetensors.numpy import save

    data = save({name: np.asarray(array, order="C") for name, array in arrays.items()})
    if len(data) > LIMIT:
        raise ValueError(f"a clip may leave {LIMIT} bytes for its set, this one leaves {len(data)}")
    return data


class StoredMaterials(Materials):
    """Those of a run directory for one metric: of a model, suite and subset, or of all where a name is empty."""

    def __init__(self, run_dir: Path, metric: str, model: str = "", suite: str = "", subset: str = "") -> None:
        """Raises UsageError when the ledger cannot be read."""
        self._database, self._set = run_dir / DATABASE, (metric, model, suite, subset)
        with reading(self._database) as db:
            self._whose = db.execute(
                f"SELECT clip, suite, prompt_id, seed {_OF_SET} AND status = 'ok'"
                " ORDER BY model, suite, position, prompt_id, seed",
                self._set,
            ).fetchall()

    def __len__(self) -> int:
        return len(self._whose)

    def __iter__(self) -> Iterator[Material]:
        from safetensors.numpy import load

        with reading(self._database) as db:
            for clip, *whose in self._whose:
                row = db.execute("SELECT data FROM materials WHERE clip = ? AND part = ?", (clip, self._set[0]))
                yield Material(*(*whose, load(row.fetchone()[0])))

    def why_none(self) -> tuple[Status, str]:
        """The commonest reason why clips of the set left nothing."""
        with reading(self._database) as db:
            row = db.execute(
                f"SELECT status, materials.reason {_OF_SET} AND status != 'ok'"
                " GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2",
                self._set,
            ).fetchone()
        return (Status(row[0]), row[1]) if row else (Status.FAILED, "no clip was scored")
