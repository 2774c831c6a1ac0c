"""Models that make a clip from a prompt, one file a model."""
