"""The statistics of reports and gates: pure functions of arrays, one file a question (docs/statistics.md says why).

intervals     how sure is a mean or a share
paired        is one run better than another on the same prompts
bootstrap     intervals of a mean whose values are skewed
proportions   the same two questions for flags
ranks         which places of a table are told apart
multiplicity  many questions at once
jackknife     how sure is a number made of many means
sets          the same question for statistics of whole sets (FD, KID)
seeds         how much of the spread is the sampling seed's
"""
