"""What would change: a change is tried in a shadow of the warehouse, its differences are listed, then it is applied."""
