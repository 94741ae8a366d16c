"""Releases: archives of programs with a manifest."""
