"""By what a score in the ledger was made: the metric's protocol, and the very files of weights that it computed with.

Scores by other files are other scores, though clip, prompt and protocol are the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from avbench.plan import MetricFacts
from avbench.weights import fingerprints

DIGITS = 12  # of a digest: the ledger keeps one key a clip and metric
ABSENT = "-"


def identity(metric: MetricFacts) -> str:
    """The metric's key and the beginnings of its files' digests; files are read again only when they have changed."""
    digests = [*fingerprints(metric.weights).values(), *metric.shipped]
    return "+".join([metric.key, *(digest.rpartition(":")[2][:DIGITS] or ABSENT for digest in digests)])


def digests(identities: Iterable[str]) -> str:
    """By which files a metric's scores were made: the digests of their identities, those of one a missing in another.

    Scores that other files have made are not kept beside; '' is of a metric without files, or of no known ones.
    """
    files = zip_longest(*(identity.split("+")[1:] for identity in identities), fillvalue=ABSENT)
    return "+".join(next((digest for digest in file if digest != ABSENT), ABSENT) for file in files)


def unlike(one: str, other: str) -> tuple[str, str] | None:
    """The first two digests that say that the files were others; a file that one side does not know says nothing."""
    pairs = zip_longest(one.split("+"), other.split("+"), fillvalue=ABSENT)
    return next(((a, b) for a, b in pairs if a != b and not {a, b} & {ABSENT, ""}), None)


def outdated(was: str, now: str) -> bool:
    """Whether what was scored under the one identity would be scored otherwise under the other.

    A file that is missing or refused now says nothing: without it nothing could be scored anew.
    """
    (protocol, *files), (present, *others) = was.split("+"), now.split("+")
    pairs = zip_longest(files, others, fillvalue=ABSENT)
    return protocol != present or any(new not in (ABSENT, old) for old, new in pairs)
