"""Accounts: names, addresses, passwords, sign-in and what limits it, and the pages of allauth that LinkUp changes."""
