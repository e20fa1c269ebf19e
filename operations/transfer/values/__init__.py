"""Values of columns: how each kind of column is read, written as text and refused."""
