"""`mad up`: the native programs on this machine, started and watched as one."""
