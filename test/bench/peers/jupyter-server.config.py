"""Jupyter Server at its best: nothing between a kernel and its reader is held back or thrown away.

As it comes it drops output above 1,000 messages a second, and waits up to 40 ms with small messages.
"""
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler

c = get_config()  # noqa: F821
c.ZMQChannelsWebsocketConnection.limit_rate = False
c.ServerApp.open_browser = False

opened = KernelWebsocketHandler.open


async def open_without_delay(self, kernel_id):
    self.set_nodelay(True)
    await opened(self, kernel_id)


KernelWebsocketHandler.open = open_without_delay
