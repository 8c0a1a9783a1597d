"""A datagram socket as systemd's: prints what it is told, one line for each message. Argument: its path."""
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(listener.recv(65536).decode().strip().replace("\n", " "), flush=True)
