"""The digest: a mail about the member's network, daily or weekly."""
