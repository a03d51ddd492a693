"""Tests of what flows."""
