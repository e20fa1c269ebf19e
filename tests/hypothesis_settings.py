"""The number of examples for the properties of the specification. HYPOTHESIS_PROFILE: see conftest.py."""

from hypothesis import settings

# P1 to P18 run with at least a hundred examples, and with as many as other tests at night.
property_settings = settings(max_examples=max(100, settings().max_examples))
