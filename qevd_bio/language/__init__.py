"""Asking language models: one client for every stage, with a cache, a budget and strict reading of replies."""
