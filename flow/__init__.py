"""The steps of a night, each one idempotent function of the core; DAGs and the command line call them."""
