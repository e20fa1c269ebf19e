"""Developer tools that `make` calls. LinkUp itself imports nothing from here."""
