"""Tests of streams.importing."""
