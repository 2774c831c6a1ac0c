"""Does each metric answer to what it says it measures? Clips with known faults, scored by the ordinary engine."""
