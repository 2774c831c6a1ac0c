"""The facts behind a score as the ledger keeps them: JSON of bounded size, without secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping

from avbench.records import JSON
from avbench.redact import clean_facts

LIMIT = 256 * 1024  # bytes a score: hundreds of thousands of clips must fit into one ledger


def pack(facts: Mapping[str, JSON]) -> str:
    """Their JSON; in place of facts above the limit only `too_large`, their size in bytes.

    Raises TypeError or ValueError for what JSON cannot say: arrays, NaN.
    """
    text = json.dumps(clean_facts(facts), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    size = len(text.encode())
    return text if size <= LIMIT else json.dumps({"too_large": size})


def unpack(text: str) -> dict[str, JSON]:
    """The facts that `pack` wrote."""
    facts: dict[str, JSON] = json.loads(text)
    return facts
