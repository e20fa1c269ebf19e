"""The pages about others: members, and the ties to them."""
