"""Shared places for fragments: a git repository, or one in memory."""
