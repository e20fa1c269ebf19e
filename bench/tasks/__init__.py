"""Background tasks, measured: `python -m bench.tasks`."""
