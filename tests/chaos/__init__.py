"""The crash suite: hostile streams, hostile surroundings, and a comparison with the oracle, row for row."""
