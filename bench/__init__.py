"""Benches: measurements of LinkUp, compared with a baseline of the same run."""
