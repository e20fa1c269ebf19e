"""The checks of `make checkpoint`: the items of docs/PRODUCTION_CHECKLIST.md."""
