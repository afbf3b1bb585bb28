"""Push: what changed goes to an upper level's own endpoint, in its words, through an outbox that survives kills."""
