"""Keeps the memory of AI assistants in step across machines, through any private git repository."""

__version__ = "0.1.0"
