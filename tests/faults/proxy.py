"""A way to PostgreSQL on which the answers to some commits are lost: they are carried out, then the
connection breaks."""

import random
import socket
import threading


class Proxy:
    def __init__(self, port, seed, share):
        self.server, self.random, self.share, self.lost = port, random.Random(seed), share, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.server))
            doomed = threading.Event()
            for one, other, up in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.copy, args=(one, other, up, doomed), daemon=True).start()

    def copy(self, source, target, up, doomed):
        try:
            while data := source.recv(1 << 16):
                if up and b"COMMIT\0" in data and self.random.random() < self.share:
                    doomed.set()
                if not up and doomed.is_set():
                    self.lost += 1
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def close(self):
        self.listener.close()
