"""The replicated type: stamps and dots, fragments, state, join and view. Values in, values out."""
