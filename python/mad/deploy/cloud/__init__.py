"""AWS, and nothing that decides: one file for each kind of resource."""
