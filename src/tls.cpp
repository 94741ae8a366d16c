// Bodies of room tls.
