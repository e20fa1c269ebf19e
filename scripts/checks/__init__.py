"""The checks of `make checkpoint`: the lines of docs/PRODUCTION_CHECKLIST.md, of the code and of a server."""
