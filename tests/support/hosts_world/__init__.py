"""Real hosts without a cloud: Debian booted by systemd-nspawn, each in a network namespace of its
own, at the addresses that the local AWS hands out.

    with World(folder) as world:          # needs root
        world.run(["python", "-m", "mad.deploy", "up", "--yes"])

All of it is in one outer network namespace without a way out: bridge 172.31.0.0/16 for private
addresses, 198.51.100.0/24 and 203.0.113.0/24 for elastic and public ones, which a host carries
beside its private one."""

from hosts_world.image import Missing, root_image
from hosts_world.machine import Machine
from hosts_world.world import World

__all__ = ["Machine", "Missing", "World", "root_image"]
