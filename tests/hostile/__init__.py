"""What others may put in front of us."""
