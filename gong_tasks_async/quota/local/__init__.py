"""The quota of one process."""
