"""What members see of conversations, and do in them."""
