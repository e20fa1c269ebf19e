"""The migrations of `feed` as a later LinkUp may have them: those of today, and one more."""
