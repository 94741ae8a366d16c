"""Which host gets a release when, and what happens when it does not do well."""
