"""The invoices: rules and models, the protocols of the use cases, and errors. Nothing here reaches AWS."""
