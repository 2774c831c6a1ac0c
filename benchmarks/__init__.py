"""Suites of prompts, one file a suite, its prompts as data beside it."""
