"""Views of uploads: public and private files, and ranges of their bytes."""
