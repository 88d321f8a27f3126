"""The fleet simulation: several machines, their servers and one remote, under one virtual clock.

Rule 1: every step of every actor is a place where any other actor may run; a seed decides which does.
Rule 2: each sentence is written once, so the right answer is exact: what was noted minus what was forgotten.
Rule 3: nothing here knows how the code under test decides; it speaks to ports and counts.
"""
