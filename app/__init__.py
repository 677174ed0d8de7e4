"""Presend reads every sales draft before it is sent."""

__version__ = "0.1.0"
