"""The definitions on a second engine: what text they may hold, the tables they read as files, and the few shims."""
