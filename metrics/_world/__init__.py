"""What was trained on the world: one file a scorer, its weights beside it."""
