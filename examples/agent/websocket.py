"""As much of a WebSocket (RFC 6455) as agent.py takes: one connection, text messages, the standard library alone."""
import base64, json, os, socket, ssl, struct, threading
from urllib.parse import urlsplit


class Refused(Exception):
    """The other side said no, or goodbye: an HTTP status, or the code of a close frame."""

    def __init__(self, code, reason):
        super().__init__(f"{code}: {reason}")
        self.code = code


class WebSocket:
    def __init__(self, url, path, token):
        at = urlsplit(url)
        secure = at.scheme == "https"
        self.socket = socket.create_connection((at.hostname, at.port or (443 if secure else 80)), 10)
        if secure:
            self.socket = ssl.create_default_context().wrap_socket(self.socket, server_hostname=at.hostname)
        self.file, self.lock = self.socket.makefile("rb"), threading.Lock()
        lines = [f"GET {path} HTTP/1.1", f"Host: {at.netloc}", f"Authorization: Bearer {token}", "Upgrade: websocket"]
        lines += ["Connection: Upgrade", f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"]
        self.socket.sendall("\r\n".join([*lines, "Sec-WebSocket-Version: 13", "", ""]).encode())
        status, length = int(self.file.readline().split()[1]), 0
        for line in iter(lambda: self.file.readline().strip().lower(), b""):
            length = int(line.split(b":")[1]) if line.startswith(b"content-length:") else length
        if status != 101:
            raise Refused(status, self.file.read(length).decode())
        self.socket.settimeout(60)  # the cloud says something every ten seconds

    def send(self, message, kind=1):
        data = json.dumps(message).encode() if kind == 1 else message
        size, mask = len(data), os.urandom(4)
        short = size if size < 126 else 126 if size < 65536 else 127
        head = bytes([0x80 | kind, 0x80 | short]) + (b"" if size < 126 else struct.pack(">H" if size < 65536 else ">Q", size))
        hidden = int.from_bytes(data, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        with self.lock:
            self.socket.sendall(head + mask + hidden.to_bytes(size, "big"))

    def receive(self):
        text = b""
        while True:
            first, size = self.read(2)
            if size > 125:
                size = int.from_bytes(self.read(2 if size == 126 else 8), "big")
            data = self.read(size)
            if first & 15 == 8:
                raise Refused(int.from_bytes(data[:2], "big"), data[2:].decode())
            elif first & 15 == 9:
                self.send(data, 10)
            elif first & 15 < 3:
                text += data
                if first & 0x80:
                    return json.loads(text)

    def read(self, size):
        data = self.file.read(size)
        if len(data) < size:
            raise OSError("the connection broke")
        return data
