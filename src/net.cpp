// Bodies of room net.
