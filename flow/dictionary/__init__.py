"""The dictionary for people: pages and a data package below `docs/dictionary`, made from specs and definitions."""
