"""The guides, followed step by step on an empty folder, and what stands at the end tried for real."""
