"""Delivery under faults: clients, a bad network, a record of all that happened, and a checker that reads it."""
