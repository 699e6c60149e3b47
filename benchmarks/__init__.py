"""Benchmarks: what the client costs, beside its peers, on one machine in one run.

`python -m benchmarks run` measures, `report` prints the README's tables, `plot` draws, `compare` says what moved.
A question is one file in `questions/`, a peer one file in `peers/`; both are found by themselves.
"""
