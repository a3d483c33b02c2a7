"""Connects over TLS for each line on stdin, with the session of the connection before.

Prints "full" or "resumed", and "served" when the server sent something over it or "closed".
"""

import socket
import ssl
import sys

port, folder = sys.argv[1:]
context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
context.check_hostname = False
context.load_cert_chain(f"{folder}/client.pem", f"{folder}/client-key.pem")
context.set_alpn_protocols(["h2"])
session = None
for _ in sys.stdin:
    with socket.create_connection(("127.0.0.1", int(port))) as plain:
        with context.wrap_socket(plain, session=session) as secure:
            handshake = "resumed" if secure.session_reused else "full"
            try:
                served = len(secure.recv(9)) > 0
            except OSError:
                served = False
            print(handshake, "served" if served else "closed", flush=True)
            session = secure.session
