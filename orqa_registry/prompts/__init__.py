"""Prompts: which views a model is shown and what it is told."""
