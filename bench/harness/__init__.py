"""The benches of mad: what is measured, how, and how it is told."""
