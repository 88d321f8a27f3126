"""What AI assistants on this machine are told about their memory server, and changing one word of it.

Rule 1: what a configuration says is decided from its text; the disk is in `looking.py` and `writing.py`.
Rule 2: a configuration is somebody else's. It is read as it is, and what cannot be read is passed over.
Rule 3: it is changed only where a person agreed: one key, the rest byte for byte, a copy kept beside it.
"""

from __future__ import annotations
