"""The package that the functions share, in rooms by capability.

A room imports only from lower floors: ``uploads``, then ``events``, then ``services`` and ``api``, then ``table``,
``documents`` and ``api_keys``, then ``domain`` and ``runtime``. See lambdas/README.md for the modules of each.

Nothing is imported here: a function ships only the modules that its handler imports, and its cold start pays only for
those.
"""
