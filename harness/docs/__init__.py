"""What keeps documents true: generated module READMEs, and runbooks run as written."""
