"""All classes of sounding events by name."""

from __future__ import annotations

from avbench.world import bodies, creatures, flows, machines, ringing, skies, strikes
from avbench.world.plan import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind for group in (strikes, ringing, bodies, flows, machines, creatures, skies) for kind in group.KINDS
}
