"""IAM, proven both ways: what the functions do is granted to them, and what is granted to them they do.

`calls` tells what a call to AWS needs, `evaluate` whether a policy allows it, `watch` notes the calls of running
handlers (or refuses them, where an engine does not), `recorded` keeps them, `grants` reads what a plan grants, `proof`
compares, `table` tells people. `calls`, `evaluate`, `kinds` and `watch` need the standard library only: they run inside
the functions' own processes.
"""
