"""Answerers: baselines and trained models."""
