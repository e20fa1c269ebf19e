"""The demo network: believable people and what they say to each other, for development, pictures and benches."""
