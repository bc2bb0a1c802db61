"""Appends a payload to the launcher as payload.h describes. Usage: pack.py LAUNCHER PAYLOAD HASH OUTPUT"""

import os
import struct
import sys

launcher, payload, content_hash, output = sys.argv[1:]
assert len(content_hash) == 16, "the hash is 16 hexadecimal digits"
with open(launcher, "rb") as file:
    program = file.read()
with open(payload, "rb") as file:
    data = file.read()
trailer = b"OSBXEXEC" + struct.pack(">QQ", len(program), len(data)) + content_hash.encode()
with open(output + ".new", "wb") as file:
    file.write(program + data + trailer.ljust(64, b"\0"))
os.chmod(output + ".new", 0o755)
os.rename(output + ".new", output)
