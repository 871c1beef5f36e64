"""Metrics, one protocol per benchmark, and the suite."""
