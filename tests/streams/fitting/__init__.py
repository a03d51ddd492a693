"""Tests of the models that are fitted in batch."""
