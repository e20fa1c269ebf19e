"""What `make checkpoint` looks at: the lines of docs/PRODUCTION_CHECKLIST.md, about the code and about a server."""
