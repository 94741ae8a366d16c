// Bodies of room proxy.
