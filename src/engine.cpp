// Bodies of room engine.
