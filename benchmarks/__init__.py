"""Measurements: everything that is compared runs in one session on one machine, which is written down with the figures."""
