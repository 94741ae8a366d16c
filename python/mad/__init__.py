"""Real-time health of machines on native Socket.IO servers.

import mad

print(mad.sample()["mem"])

with mad.ApiServer(cors_origins=["http://127.0.0.1:8081"]) as api:
    with mad.Agent(api.url), mad.WebServer(api.url, listen=8081) as web:
        input(f"open {web.url} in a browser; Enter ends it")
"""

from mad._errors import Error
from mad._health import Health, sample
from mad._servers import Agent, ApiServer, WebServer
from mad._version import __version__

__all__ = ["Agent", "ApiServer", "Error", "Health", "WebServer", "__version__", "sample"]
