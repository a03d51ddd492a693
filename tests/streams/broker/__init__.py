"""Tests of brokers of one's own."""
