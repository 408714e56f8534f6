"""Traces and metrics of calls, made from events: OpenTelemetry (extra ``otel``) and Prometheus (extra ``prometheus``).

Each is one object, handed to a client; nothing of either is imported where it is not used.
"""
