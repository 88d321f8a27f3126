"""What the measurements decide: figures, goals, pages. No time is measured here."""
