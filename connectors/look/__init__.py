"""One look at a source that the hub does not know yet: a few records and how its transport behaves. Nothing lands."""
