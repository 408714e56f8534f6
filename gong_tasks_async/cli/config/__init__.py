"""Profiles, secrets and folders."""
