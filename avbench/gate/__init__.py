"""The regression gate: is the candidate worse than the baseline, by more than a margin, on the same prompts?"""
