"""Who may read what: keys, what they may see, how often they may ask, and the log of what they asked."""
