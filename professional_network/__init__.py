"""The composition root: settings, addresses and the two server entry points."""
