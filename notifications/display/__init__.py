"""What pages, tabs and mails show of notifications: rows, pages, unread counts."""
