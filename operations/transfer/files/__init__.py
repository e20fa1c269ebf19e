"""The uploads of a transfer: which files rows name, and how they are listed, copied and installed."""
