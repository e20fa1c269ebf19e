"""The composition root: settings, URLs and the two server entry points."""
