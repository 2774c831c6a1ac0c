"""The kinds of part and the backbones metrics share. A part is one file with one class of its kind.

benchmarks/NAME.py  Benchmark      generators/NAME.py      Generator
metrics/NAME.py     Metric         metrics/_world/NAME.py  Scorer
reports/NAME.py     Report         generators/_decoders/NAME.py  Decoder

A metric of sets of clips is a `SetMetric` of set_metric.py; what can be trained is in trainable.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from avbench.answers import Answers
from avbench.records import Clip, Column, Prompt, Sample, Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from avbench.evidence import Evidence
    from avbench.leaderboard import Leaderboard
    from avbench.media.info import MediaInfo

F = TypeVar("F")
F_co = TypeVar("F_co", covariant=True)  # so that every backbone is a Backbone[object]
Setting = str | int | float | bool | None


class Benchmark(ABC):
    """A suite: an ordered, versioned set of prompts. The file's name is the suite's (`_` reads as `-`)."""

    version: ClassVar[str]
    summary: ClassVar[str]

    @abstractmethod
    def prompts(self) -> Sequence[Prompt]:
        """All prompts, in order. Raises UsageError naming file, line and field when the data is wrong."""


@dataclass(frozen=True, slots=True)
class Request:
    """One clip to make: the prompt and the 64-bit sampling seed derived from (model, prompt id, seed index).

    `diagnostics` asks for `Sample.maps` of a generator that has them; the clip is the same.
    """

    prompt: Prompt
    seed: int
    diagnostics: bool = False


class Generator(ABC):
    """Turns (prompt, seed) into a clip. Constructed once a worker; loads its weights in `__init__`.

    A sample depends on its request alone: never on batch size, order, worker or device count.
    """

    summary: ClassVar[str]
    version: ClassVar[str]
    batch: ClassVar[int] = 1
    diagnoses: ClassVar[bool] = False  # has it maps to show, where asked (`Request.diagnostics`)?

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    def settings(self) -> Mapping[str, Setting]:
        """What decides the output besides the request (preset, steps, weights digest); kept in run.json.

        A change of settings makes the clips of an earlier run stale.
        """
        return {}

    @classmethod
    def details(cls) -> Sequence[Mapping[str, Setting]]:
        """What a clip of each of its presets costs (`preset` and numbers), where that is known; loads no weights."""
        return ()

    @abstractmethod
    def generate(self, requests: Sequence[Request]) -> Sequence[Sample]:
        """One sample a request, in order; at most `batch` requests a call."""


@dataclass(frozen=True, slots=True)
class VideoView:
    """Frames as a backbone needs them: uint8 RGB.

    `fps` None keeps every source frame with its own time stamp; a number resamples by true time stamps.
    `size` (height, width) stretches; `short_side` keeps the aspect ratio; None keeps the source size.
    """

    fps: float | None = None
    size: tuple[int, int] | None = None
    short_side: int | None = None
    filter: str = "area"


@dataclass(frozen=True, slots=True)
class AudioView:
    """The clip's audio as mono (S,) float32 at `rate` Hz (`mono=False`: (S, C)); rate None keeps the source rate."""

    rate: int | None = None
    mono: bool = True


@dataclass(frozen=True, slots=True)
class Frames:
    """A run of consecutive frames of one view: `data` (N, H, W, 3) uint8 RGB and `times` (N,) seconds.

    `made` is for what a backbone makes of them and the others of the view may want as well; none may write into it.
    """

    data: NDArray[np.uint8]
    times: NDArray[np.float64]
    made: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Audio:
    """A clip's audio: `samples` (S,) or (S, C) float32, `rate` Hz, `start` seconds on the clip's time axis."""

    samples: NDArray[np.float32]
    rate: int
    start: float


class VideoExtractor(ABC, Generic[F_co]):
    """The state of one backbone over one clip: frames are pushed as they are decoded, so memory stays bounded."""

    @abstractmethod
    def push(self, frames: Frames) -> None: ...

    @abstractmethod
    def finish(self) -> F_co: ...


class Backbone(ABC, Generic[F_co]):
    """A network or signal transform shared by metrics. Subclasses are frozen dataclasses: equal means run once.

    A subclass is a `VideoBackbone`, an `AudioBackbone`, or neither base directly. Where it is expensive and `kept`, its
    features go to the cache on disk, under its fields, `version` and the files of `weights` (ids of checkpoints).
    """

    version: ClassVar[str] = "1"
    kept: ClassVar[bool] = False
    weights: ClassVar[tuple[str, ...]] = ()

    def pack(self, feature: Any) -> Mapping[str, NDArray[Any]]:
        """Arrays of which `unpack` makes the same feature, bit for bit; by default the feature is an array."""
        return {"feature": feature}

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> F_co:
        """The feature again. Raises KeyError or ValueError when the arrays are not those of `pack`."""
        feature: Any = arrays["feature"]
        return cast(F_co, feature)


class VideoBackbone(Backbone[F_co]):
    """A backbone over frames."""

    view: ClassVar[VideoView]

    @abstractmethod
    def open(self, info: MediaInfo) -> VideoExtractor[F_co]:
        """Start on one clip. Raises Unscored or NotApplicable when the clip cannot be read this way."""


class AudioBackbone(Backbone[F_co]):
    """A backbone over the whole audio of a clip."""

    view: ClassVar[AudioView]

    @abstractmethod
    def extract(self, audio: Audio, info: MediaInfo) -> F_co: ...


class Features(ABC):
    """What the backbones saw in one clip."""

    info: MediaInfo

    @abstractmethod
    def __getitem__(self, backbone: Backbone[F]) -> F:
        """The feature of `backbone`; raises NotApplicable, Unscored or MediaError where there is none."""


class Metric(ABC):
    """Declares columns and the backbones it needs; its maths is a pure function of their features.

    `core` metrics run with what ships in the package. Raising NotApplicable or Unscored in `score` gives all
    columns that status and reason; a metric may also return such a Score for one column only. `answers` says by column
    (or `answers.ALL`) which faults it must and must not answer to; `avbench validate` fails when that is not so.
    """

    columns: ClassVar[tuple[Column, ...]]
    least: ClassVar[str] = ""  # the shortest clip with a number, in words
    weights: ClassVar[tuple[str, ...]] = ()  # ids of checkpoints beside those of its backbones
    shipped: ClassVar[tuple[Path, ...]] = ()  # other files that its numbers rest on, such as weights in its package
    terms: ClassVar[str] = ""  # of use, where what it runs with is no checkpoint of the table
    answers: ClassVar[Mapping[str, Answers]] = {}
    needs: ClassVar[tuple[Backbone[object], ...]] = ()
    version: ClassVar[str] = "1"
    backend: ClassVar[str] = "signal"
    core: ClassVar[bool] = True

    @abstractmethod
    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        """Column name to value, or to a Score: without value and with a reason, or with facts as `detail`.

        Every column must be present. A detail is what a reader who doubts the number wants to see (JSON, at most
        `details.LIMIT` bytes); facts that several columns share stand at the first of them.
        """


class Report(ABC):
    """A form of output. A subclass is a `TextReport`, a `BytesReport` or a `FolderReport`."""

    summary: ClassVar[str]


class TextReport(Report):
    """Renders a leaderboard as one text."""

    suffix: ClassVar[str]

    @abstractmethod
    def render(self, board: Leaderboard) -> str: ...


class BytesReport(Report):
    """Renders a leaderboard as a file that no terminal shows."""

    suffix: ClassVar[str]

    @abstractmethod
    def encode(self, board: Leaderboard) -> bytes: ...


class Media(StrEnum):
    """How a report holds the clips that it shows: copied beside it, linked where they lie, or inside its pages."""

    COPY = "copy"
    LINK = "link"
    EMBED = "embed"


class FolderReport(Report):
    """Fills a folder with pages about every clip of the runs."""

    @abstractmethod
    def write(self, evidence: Evidence, out: Path, media: Media) -> Path:
        """Fill `out`, which is there; return the page to open first. What an earlier report left is replaced."""
