"""All classes of sounding events by name."""

from __future__ import annotations

from avbench.world import bodies, flows, strikes
from avbench.world.plan import Kind

KINDS: dict[str, Kind] = {kind.name: kind for group in (strikes, bodies, flows) for kind in group.KINDS}
