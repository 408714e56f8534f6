"""The configuration that the command and the library share: profiles, secrets, folders."""
