"""The guides, followed step by step on an empty folder, and the resulting site is tried for real."""
