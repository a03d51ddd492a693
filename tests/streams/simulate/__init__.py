"""Tests of streams.simulate."""
