"""Bytes of a memory file to a graph and back; one module per variant."""
