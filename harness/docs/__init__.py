"""Documents that stay true: the generated part of the modules' READMEs, and runbooks that are run as written."""
