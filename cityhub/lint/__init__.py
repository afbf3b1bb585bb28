"""Reading a spec as its author reads it: every mistake at once, each with its place and what to type instead."""
