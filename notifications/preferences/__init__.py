"""What members want to be notified of, and when by mail."""
