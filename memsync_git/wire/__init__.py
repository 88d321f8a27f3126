"""Fragments to bytes and back. What comes in is hostile until it is validated."""
