"""Simulated companies, held against the oracle."""
