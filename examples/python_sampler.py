"""This machine's health, one line per sample, and a word when it has little memory left.

python examples/python_sampler.py [SECONDS [LINES]]"""

import itertools
import sys

import mad

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.5
lines = int(sys.argv[2]) if len(sys.argv) > 2 else None

with mad.Sampler(interval=seconds) as sampler:
    for health in itertools.islice(sampler, lines):
        # What could not be measured is absent; 0 is a measured 0.
        cpu, memory = health.get("cpu", {}), health.get("mem", {})
        print(
            f"cpu {cpu.get('pct', '?')} %  memory {memory.get('pct', '?')} %",
            f"fullest disk {health['storage']} %  network {health['network']} Mbit/s",
            sep="  ",
            flush=True,
        )
        if memory.get("pct", 0) > 90:
            print(f"only {memory['avail'] / 2**20:,.0f} MiB are left", flush=True)
