# opener.py fork|openpty CHILD: what opener.h does, in Python.
import fcntl, os, pty, struct, subprocess, sys, termios

def relay(ptm, last):
    line = b""
    while not line.startswith(last):
        line = b""
        while not line.endswith(b"\n"):
            line += os.read(ptm, 1)
        sys.stdout.buffer.write(line)

how, child = sys.argv[1:]
if how == "fork":
    pid, ptm = pty.fork()
    if pid == 0:
        os.execv(child, [child])
    name = os.ptsname(ptm) if hasattr(os, "ptsname") else None
else:
    ptm, pts = os.openpty()
    name = os.ttyname(pts)

    def take():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen([child], stdin=pts, stdout=pts, stderr=pts, preexec_fn=take)
    pid = process.pid
    os.close(pts)
index = struct.unpack("I", fcntl.ioctl(ptm, termios.TIOCGPTN, b"\0" * 4))[0] if hasattr(termios, "TIOCGPTN") \
    else struct.unpack("I", fcntl.ioctl(ptm, 0x80045430, b"\0" * 4))[0]
if name is None:
    name = f"/dev/pts/{index}"
assert name == f"/dev/pts/{index}", (name, index)
st = os.stat(name)
print(f"opened {name} owner {st.st_uid}:{st.st_gid} mode {st.st_mode & 0o7777:o}", flush=True)
relay(ptm, b"pts/")
os.write(ptm, b"hello\n")
relay(ptm, b"told ")
fcntl.ioctl(ptm, termios.TIOCSWINSZ, struct.pack("HHHH", 51, 133, 0, 0))
os.write(ptm, b"\n")
relay(ptm, b"size ")
os.close(ptm)
os.waitpid(pid, 0)
print("done")
