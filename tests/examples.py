"""How many examples a property is tried on. HYPOTHESIS_PROFILE says how many others are (see conftest.py)."""

from hypothesis import settings

# Those of the specification, P1 to P18, are tried on a hundred in any run, and on as many as the others at night.
of_a_property = settings(max_examples=max(100, settings().max_examples))
