"""OAuth tokens and their refresh."""
