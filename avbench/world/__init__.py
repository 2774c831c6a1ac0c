"""The world: a procedural renderer of audio-visual scenes with exact ground truth."""
