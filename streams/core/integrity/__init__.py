"""Evidence that a unit's surveys are gamed: likelihood ratios, detectors with a stated false-alarm rate, text.

Everything here is a pure function of what happened on whole days; who feeds it is in ``streams.core.units``.
"""
