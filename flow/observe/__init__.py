"""What the hub says about itself: run summaries, metrics, lineage, nights. Never the reason that a night fails."""
