"""Tools of the house: what `make` calls. Nothing here is imported by the product."""
