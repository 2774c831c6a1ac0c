"""Metrics of sets of clips (corpus error rates, Frechet distances): what a clip leaves behind, and how it is pooled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from avbench.errors import Unscored
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Score, SetScore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Material:
    """What one clip left for the statistics of its set, and whose it is: seeds of one prompt are not independent."""

    suite: str
    prompt_id: str
    seed: int
    arrays: Mapping[str, NDArray[Any]]


class Materials(ABC):
    """What the clips of a set left: those that left anything, in the order of prompts and seeds.

    May be iterated more than once. Each pass reads clip by clip, so that a set of 100,000 needs no memory: keep sums,
    not the materials.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __iter__(self) -> Iterator[Material]: ...


class Picked(Materials):
    """Materials that are at hand, in the order given."""

    def __init__(self, materials: Sequence[Material]) -> None:
        self._materials = materials

    def __len__(self) -> int:
        return len(self._materials)

    def __iter__(self) -> Iterator[Material]:
        return iter(self._materials)


@dataclass(frozen=True, slots=True)
class SetStatistic:
    """A set column's number as a function of which clips make up the set: a gate exchanges clips of two runs.

    `of` takes the places (n,) of clips among all of them. `doubt` says why no verdict may rest on it ('' for nothing).
    """

    of: Callable[[NDArray[np.int64]], float]
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a metric of sets keeps of reference clips: arrays that rest on `samples` of `numbers` each."""

    arrays: Mapping[str, NDArray[Any]]
    samples: int = 0
    numbers: int = 0


class SetMetric(Metric):
    """A metric of sets: corpus error rates, Frechet distances. It may have columns about single clips as well.

    `material` says what a clip leaves behind, once, right after `score`; the ledger keeps it with the clip's scores,
    and drops it when clip, prompt or metric change. `pool` gets what all clips of a model and suite left (and of each
    subset of it), in a worker, when all clips are scored. Its numbers go to set_scores.parquet and into every report,
    marked; they are never averaged. One that compares with reference clips says by `summarise` what it needs of them.
    Example (a Frechet distance would keep sums, not `levels`):

        class MeanLevel(SetMetric):
            set_columns = (Column("level_of_set", ...),)
            needs = (Level(),)

            def material(self, clip, features):
                return {"level": np.array([features[Level()]])}

            def pool(self, materials, reference):
                levels = [float(material.arrays["level"][0]) for material in materials]
                return {"level_of_set": SetScore("level_of_set", self.backend, fmean(levels), n=len(levels))}
    """

    columns: ClassVar[tuple[Column, ...]] = ()
    set_columns: ClassVar[tuple[Column, ...]]

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        """Nothing about single clips, unless a subclass says otherwise."""
        return {}

    @abstractmethod
    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[Any]]:
        """Named arrays of any shape and type, at most `materials.LIMIT` bytes. Raises NotApplicable or Unscored."""

    def summarise(self, reference: Materials) -> Summary:
        """What `pool` needs of the reference clips, at least one of which left something; kept in statistics files."""
        return Summary({})

    @classmethod
    def compares(cls) -> bool:
        """Whether the metric looks at reference clips at all."""
        return cls.summarise is not SetMetric.summarise

    @abstractmethod
    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        """A score for every set column, from at least one material; must not depend on anything else.

        `reference` is what `summarise` said of the reference clips: empty where these left nothing, None where none
        were given. Intervals resample prompts (`Material.prompt_id`), not clips. Raises NotApplicable or Unscored, for
        too few clips say; a column by itself is refused by a SetScore with a status and a reason. A score that has a
        value may have a remark as its reason.
        """

    def statistics(self, materials: Sequence[Material], reference: Summary | None) -> Mapping[str, SetStatistic]:
        """The set columns that two sets of equal size can be compared by, of the materials of both: half are a set.

        By default `pool` of the clips in question. A gate asks thousands of times: override it where work can be done
        once. Raises NotApplicable or Unscored, as do the functions.
        """

        def pooled(column: str) -> SetStatistic:
            def of(places: NDArray[np.int64]) -> float:
                score = self.pool(Picked([materials[i] for i in places]), reference)[column]
                if score.value is None:
                    raise Unscored(score.reason)
                return score.value

            return SetStatistic(of)

        return {column.name: pooled(column.name) for column in self.set_columns}
