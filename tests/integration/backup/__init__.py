"""Backup and restore as an operator does it: commands in separate processes, real servers, a real sign-in."""
