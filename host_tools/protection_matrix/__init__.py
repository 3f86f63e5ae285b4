"""Proof that every level of every protection reaches its output: cases, runs, and the document."""
