"""Signals, events and the poll that carries both."""
