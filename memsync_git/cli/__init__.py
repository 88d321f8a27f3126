"""The command line: parse, ask the app, print a value.

Rule 1: one file per noun, holding its commands and the pure functions that put its documents into words.
Rule 2: text and JSON come from the same document (`documents.py`); errors go to stderr, data to stdout.
Rule 3: a command module is imported when its command is called, the app when a command needs it.
Rule 4: no text of a memory reaches a terminal before `terminal.safe` has seen it.
"""
