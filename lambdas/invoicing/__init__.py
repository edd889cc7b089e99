"""The invoice domain: pure rules first, then one adapter for each AWS service, then what the handlers share.

Nothing is imported here: a function ships, and pays at its cold start for, only the modules that its handler names.
"""
