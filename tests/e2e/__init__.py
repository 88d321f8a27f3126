"""The real memory server on two machines, through a real repository."""
