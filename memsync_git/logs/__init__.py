"""The log of this installation: one file, written by every process, read by `logs`.

    record ─ redact ─ one line of JSON ─ one append      daemon, cron and a person at once
    file.log ─ file.log.1 ─ file.log.2 …                 rotated by size, by whoever is first

Rule 1: a log is for knowing; that it cannot be written never stops anything.
Rule 2: `logging` itself is imported where something is written: reading and `status` do without.
"""
