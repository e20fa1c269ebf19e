"""Backup and restore as an operator does it: commands in processes of their own, real servers, a real sign-in."""
