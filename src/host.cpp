// Bodies of room host.
