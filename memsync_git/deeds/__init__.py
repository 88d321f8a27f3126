"""What revisions did, when they did it, and what taking it back writes.

Rule 1: pure. Fragments, states and times in, values out: no clock, no disk, no remote is known here.
Rule 2: what was said is named by dots, so that taking it back takes nothing that anybody else said.
Rule 3: nothing here writes: what is to be written is an `Amends`, carried out by `replica/amending.py`.
"""
