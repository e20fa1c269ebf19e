"""Helpers for tests: databases, servers, clients, people."""
