"""Benches: figures of LinkUp beside a peer or a limit of the same run."""
