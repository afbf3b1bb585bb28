"""A first spec from what a source shows: every guess says so, every decision is left to a person."""
