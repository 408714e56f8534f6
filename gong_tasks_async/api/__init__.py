"""Gong's calls, over any caller."""
