"""The memory file on this machine: reading it, exchanging it, watching it."""
