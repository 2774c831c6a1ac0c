"""Scores to a leaderboard: one aggregation for every form of output."""
