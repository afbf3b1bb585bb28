"""The addresses of the service, one module each kind; docs/api.md lists them for consumers."""
