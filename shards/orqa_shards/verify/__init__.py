"""Shard folders checked and repaired."""
