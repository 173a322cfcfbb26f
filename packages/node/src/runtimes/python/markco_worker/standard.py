"""File descriptors 0, 1 and 2 belong to the code of the cells, which may close them at any moment.

The system gives the lowest free number to whatever is opened next, so what we open must not stay
there: the next run would find our socket where it prints.
"""
import errno
import fcntl
import os
import select
import threading
import time

# How long another thread's opening, which holds the number already, may take.
OPENING_S = 1

_changing = threading.Lock()


def above(descriptor):
    """The same file under a number above 2."""
    if descriptor > 2:
        return descriptor
    higher = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return higher


def point(descriptor, at):
    """Makes one of the three the file `at`, for this process and those it starts. Raises OSError."""
    until = time.monotonic() + OPENING_S
    while True:
        try:
            with _changing:
                os.dup2(at, descriptor, inheritable=True)
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > until:
                raise
        time.sleep(0.001)


def accept(server):
    """The next connection. Raises OSError when the server is closed."""
    # A waiting accept has its number from before it waits, and would sit on a free one of the three.
    waiting = select.poll()
    waiting.register(server, select.POLLIN)
    waiting.poll()
    with _changing:
        connection, _ = server.accept()
        if connection.fileno() <= 2:
            connection = type(connection)(fileno=above(connection.detach()))
    return connection
