"""Container images of the programs: how they are named, built and pushed."""
