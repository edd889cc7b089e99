"""Plan tests: YAML specs of what a module plans and rejects, all compiled into one root and planned at once.

``tests/plan/README.md`` describes the format.

| module | purpose |
|---|---|
| `collector` | pytest's side: files are specs, items are cases |
| `compare` | compares a plan with a spec's expectation |
| `coverage` | finds conditions, inputs and features that no case covers |
| `examples` | the READMEs' examples as modules that can be planned |
| `planning` | plans all cases at once, and separates the results |
| `reading` | reads YAML with the position of every value |
| `rejections` | compares error messages with those that a spec expects |
| `rewrite` | ``--update-plans`` |
| `root` | writes the root that calls a module once for each case |
| `spec` | reads and checks a spec |
| `tftest_root` | runs tftest on one root |
"""
