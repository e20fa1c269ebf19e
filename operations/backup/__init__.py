"""A backup is one file with the rows and the uploads of a network; a restore puts it into an empty server. Rows travel
in the form of operations.transfer. docs/BACKUP.md is the operator's guide.
"""
