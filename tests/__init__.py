"""What spans several apps."""
