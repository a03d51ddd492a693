"""Whether the detectors keep their promise, and what they see."""
