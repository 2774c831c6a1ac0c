"""The talk on standard error: sentences, and bars with rate and time left. Standard output carries results alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

SHOWN = 5


def say(sentence: str) -> None:
    """One line on standard error."""
    print(sentence, file=sys.stderr, flush=True)


def say_some(what: str, names: Sequence[object]) -> None:
    """How many there are, and the first few of them; silent when there are none."""
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        say(f"{len(names)} {what}: {', '.join(str(name) for name in names[:SHOWN])}{more}")


@contextmanager
def progress(total: int, label: str, unit: str = "clip") -> Iterator[Callable[[int], object]]:
    """A bar; call what it gives with the number of units that got done. In a log file a line every half minute."""
    from tqdm import tqdm

    interval = 0.2 if sys.stderr.isatty() else 30.0
    with tqdm(total=total, desc=label, unit=unit, mininterval=interval, dynamic_ncols=True) as bar:
        yield bar.update
