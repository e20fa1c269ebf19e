"""The pages of members and of the viewer's connections."""
