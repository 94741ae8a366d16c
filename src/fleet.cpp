// Bodies of room fleet.
