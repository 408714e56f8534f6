"""HTTP: messages, responses, transport, retry."""
