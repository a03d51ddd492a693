"""The units stage: what was answered at a unit, day by day, held against the detectors."""
