//go:build linux

package fusefs

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/pts"
)

func init() {
	scenarios["ioctl"] = scenario{run: everyIoctl}
	scenarios["ioctl as nobody"] = scenario{run: func(s *stage) { s.asNobody(func() { everyIoctl(s) }) }}
	scenarios["pair ioctl"] = scenario{run: pairIoctls}
	scenarios["line discipline"] = scenario{run: lineDisciplines}
}

// trial is one ioctl with the arguments to try.
type trial struct {
	name   string
	req    uint32
	values []uintptr // numbers to pass; nil is an address of an argument
	arg    []byte    // what is at the address, extended with zeros
}

var trials = []trial{
	{"TCGETS", 0x5401, nil, nil}, {"TCSETS", 0x5402, nil, nil}, {"TCSETSW", 0x5403, nil, nil}, {"TCSETSF", 0x5404, nil, nil},
	{"TCGETA", 0x5405, nil, nil}, {"TCSETA", 0x5406, nil, nil}, {"TCSETAW", 0x5407, nil, nil}, {"TCSETAF", 0x5408, nil, nil},
	{"TCSBRK", 0x5409, []uintptr{0, 1}, nil}, {"TCXONC", 0x540a, []uintptr{0, 1, 2, 3, 4}, nil},
	{"TCFLSH", 0x540b, []uintptr{0, 1, 2, 3}, nil}, {"TIOCEXCL", 0x540c, []uintptr{0}, nil}, {"TIOCNXCL", 0x540d, []uintptr{0}, nil},
	{"TIOCGPGRP", 0x540f, nil, nil}, {"TIOCSPGRP -1", 0x5410, nil, []byte{255, 255, 255, 255}}, {"TIOCSPGRP 1", 0x5410, nil, []byte{1}},
	{"TIOCOUTQ", 0x5411, nil, nil}, {"TIOCSTI", 0x5412, nil, []byte{'x'}}, {"TIOCGWINSZ", 0x5413, nil, nil},
	{"TIOCSWINSZ", 0x5414, nil, []byte{24, 0, 80}}, {"TIOCGSOFTCAR", 0x5419, nil, nil}, {"TIOCSSOFTCAR", 0x541a, nil, []byte{1}},
	{"TIOCCONS", 0x541d, []uintptr{0}, nil}, {"TIOCPKT", 0x5420, nil, []byte{1}}, {"TIOCNOTTY", 0x5422, []uintptr{0}, nil},
	{"TIOCSETD N_TTY", 0x5423, nil, nil}, {"TIOCSETD 99", 0x5423, nil, []byte{99}}, {"TIOCSETD -1", 0x5423, nil, []byte{255, 255, 255, 255}},
	{"TIOCGETD", 0x5424, nil, nil}, {"TCSBRKP", 0x5425, []uintptr{0, 5}, nil}, {"TIOCSBRK", 0x5427, []uintptr{0}, nil},
	{"TIOCCBRK", 0x5428, []uintptr{0}, nil}, {"TIOCGSID", 0x5429, nil, nil},
	{"TCGETS2", 0x802c542a, nil, nil}, {"TCSETS2", 0x402c542b, nil, nil}, {"TCSETSW2", 0x402c542c, nil, nil}, {"TCSETSF2", 0x402c542d, nil, nil},
	{"TIOCSPTLCK", 0x40045431, nil, []byte{1}}, {"TIOCGDEV", 0x80045432, nil, nil},
	{"TIOCSIG", 0x40045436, []uintptr{0, 2, 3, 9, 20}, nil}, {"TIOCVHANGUP", 0x5437, []uintptr{0}, nil},
	{"TIOCGPKT", 0x80045438, nil, nil}, {"TIOCGPTLCK", 0x80045439, nil, nil}, {"TIOCGEXCL", 0x80045440, nil, nil},
	{"TIOCGPTPEER", 0x5441, []uintptr{unix.O_RDWR | unix.O_NOCTTY}, nil},
	{"TIOCGLCKTRMIOS", 0x5456, nil, nil}, {"TIOCSLCKTRMIOS", 0x5457, nil, nil},
	// what no terminal of a pair answers
	{"TIOCMGET", 0x5415, nil, nil}, {"TIOCMBIS", 0x5416, nil, nil}, {"TIOCMBIC", 0x5417, nil, nil}, {"TIOCMSET", 0x5418, nil, nil},
	{"TIOCLINUX", 0x541c, nil, nil}, {"TIOCGSERIAL", 0x541e, nil, nil}, {"TIOCSSERIAL", 0x541f, nil, nil},
	{"TIOCGRS485", 0x542e, nil, nil}, {"TCGETX", 0x5432, nil, nil}, {"TIOCSERGETLSR", 0x5459, nil, nil},
	{"TIOCMIWAIT", 0x545c, []uintptr{0}, nil}, {"TIOCGICOUNT", 0x545d, nil, nil}, {"KDGETMODE", 0x4b3b, nil, nil},
	{"unknown", 0x5499, nil, nil}, {"unknown with a size", 0xc0405499, nil, nil}, {"zero", 0, nil, nil},
	// what the kernel answers before the file is asked
	{"FIONBIO", 0x5421, nil, nil}, {"FIOASYNC off", 0x5452, nil, nil}, {"FIOASYNC on", 0x5452, nil, []byte{1}},
	{"FIOCLEX", 0x5451, []uintptr{0}, nil}, {"FIOQSIZE", 0x5460, nil, nil}, {"FIONREAD", 0x541b, nil, nil},
	{"FS_IOC_GETFLAGS", 0x80086601, nil, nil},
}

// everyIoctl tries each request on a ptm of its own: with a good argument, a bad address
// and a null one.
func everyIoctl(s *stage) {
	page := s.lastPage()
	for _, r := range trials {
		for _, v := range r.values {
			m := s.open(unix.O_RDWR)
			n, err := ioctl(m, r.req, v)
			if err == nil && r.req == pts.TIOCGPTPEER {
				_ = unix.Close(n)
				n = 0
			}
			s.say("%s(%d): %d %s", r.name, v, n, name(err))
			s.close(m)
		}
		if r.values != nil {
			continue
		}
		s.atAddress(r, "", 0)
		s.atAddress(r, " at 1", 1)
		s.atAddress(r, " at null", 0)
		s.atAddress(r, " across the end of memory", page)
	}
}

// lastPage is an address one byte before memory that is not there.
func (s *stage) lastPage() uintptr {
	b, err := unix.Mmap(-1, 0, 2*pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	s.must(err, "mmap")
	s.must(unix.Mprotect(b[pageSize:], unix.PROT_NONE), "mprotect")
	return uintptr(unsafe.Pointer(&b[pageSize-1]))
}

func (s *stage) atAddress(r trial, where string, address uintptr) {
	m := s.open(unix.O_RDWR)
	defer s.close(m)
	var pin runtime.Pinner
	defer pin.Unpin()
	var arg [64]byte
	copy(arg[:], r.arg)
	if where == "" {
		pin.Pin(&arg)
		address = uintptr(unsafe.Pointer(&arg))
	}
	n, err := ioctl(m, r.req, address)
	line := fmt.Sprintf("%s%s: %d %s", r.name, where, n, name(err))
	if where == "" && r.req != 0x80045432 { // TIOCGDEV differs by index only
		line += fmt.Sprintf(" %x", trimmed(arg[:]))
	}
	s.say("%s", line)
	if where != "" {
		return
	}
	var lock, packet int32 // what the request changed
	_, _ = ioctl(m, 0x80045439, uintptr(unsafe.Pointer(&lock)))
	_, _ = ioctl(m, 0x80045438, uintptr(unsafe.Pointer(&packet)))
	s.say("  and then locked %d packet %d", lock, packet)
}

func trimmed(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}

// pairIoctls are requests on the ptm whose effect is seen at the other end.
func pairIoctls(s *stage) {
	m := s.open(unix.O_RDWR)
	s.say("index %d of the first", s.index(m))
	_, err := unix.Open(s.node(m), unix.O_RDWR|unix.O_NOCTTY, 0)
	s.say("open of the locked pts: %s", name(err))
	s.unlock(m)
	p := s.pts(m)
	s.int("lock again", m, pts.TIOCSPTLCK, 7)
	_, err = unix.Open(s.node(m), unix.O_RDWR|unix.O_NOCTTY, 0)
	s.say("open of the pts locked again: %s", name(err))
	s.write("write to a pts after a refused open", p, "x")
	s.unlock(m)
	s.must(unix.Close(s.pts(m)), "closing")

	size := unix.Winsize{Row: 3, Col: 5, Xpixel: 7, Ypixel: 9}
	s.must(unix.IoctlSetWinsize(m, unix.TIOCSWINSZ, &size), "TIOCSWINSZ")
	got, err := unix.IoctlGetWinsize(p, unix.TIOCGWINSZ)
	s.say("size at the pts: %v %s", *got, name(err))
	size.Col = 100
	s.must(unix.IoctlSetWinsize(p, unix.TIOCSWINSZ, &size), "TIOCSWINSZ")
	got, err = unix.IoctlGetWinsize(m, unix.TIOCGWINSZ)
	s.say("size at the ptm: %v %s", *got, name(err))

	t, err := unix.IoctlGetTermios(m, unix.TCGETS)
	s.say("termios of a fresh pair: %v %s", *t, name(err))
	t.Lflag &^= unix.ICANON | unix.ECHO
	t.Cc[unix.VMIN] = 3
	s.say("TCSETSW: %s", name(unix.IoctlSetTermios(m, unix.TCSETSW, t)))
	t, _ = unix.IoctlGetTermios(p, unix.TCGETS)
	s.say("termios at the pts: %v", *t)

	s.put(m, "ab")
	s.settle(m, p)
	s.poll("two bytes of three at the pts", p)
	s.put(m, "c")
	s.await(p, unix.POLLIN)
	s.value("flush the ptm's output", m, unix.TCFLSH, unix.TCOFLUSH)
	s.poll("what has arrived stays", p)
	s.value("flush the pts's input", p, unix.TCFLSH, unix.TCIFLUSH)
	s.poll("flushed", p)
	s.put(p, "output")
	s.await(m, unix.POLLIN)
	s.value("flush the ptm's input", m, unix.TCFLSH, unix.TCIFLUSH)
	s.poll("flushed ptm", m)
	s.value("flush neither", m, unix.TCFLSH, 3)

	var x byte = 'y'
	_, err = ioctl(m, pts.TIOCSTI, uintptr(unsafe.Pointer(&x)))
	s.say("TIOCSTI: %s", name(err))
	s.read("what TIOCSTI put", m, 10)

	s.value("exclusive ptm", m, unix.TIOCEXCL, 0)
	s.asNobody(func() {
		fd, err := unix.Open(s.node(m), unix.O_RDWR|unix.O_NOCTTY, 0)
		s.say("open of the pts by another: %s", name(err))
		_ = unix.Close(fd)
	})
	n, err := unix.IoctlGetInt(m, unix.TIOCGEXCL)
	s.say("TIOCGEXCL at the ptm %d %s", n, name(err))
	n, err = unix.IoctlGetInt(p, unix.TIOCGEXCL)
	s.say("TIOCGEXCL at the pts %d %s", n, name(err))

	s.value("stop the ptm's output", m, unix.TCXONC, unix.TCOOFF)
	s.setNonblock(m, true)
	s.poll("stopped", m)
	s.write("while stopped", m, "z")
	s.value("start it", m, unix.TCXONC, unix.TCOON)
	s.write("started", m, "z")

	var locked [36]byte
	for i := range locked {
		locked[i] = 0xff
	}
	_, err = ioctl(m, pts.TIOCSLCKTRMIOS, uintptr(unsafe.Pointer(&locked)))
	s.say("lock all of the termios: %s", name(err))
	t.Lflag = 0
	s.say("TCSETS: %s", name(unix.IoctlSetTermios(m, unix.TCSETS, t)))
	t, _ = unix.IoctlGetTermios(p, unix.TCGETS)
	s.say("termios is as it was: %v", *t)
}

func lineDisciplines(s *stage) {
	const nNull = 27
	m, p := s.rawPair()
	s.setNonblock(m, true)
	s.int("N_NULL", m, pts.TIOCSETD, nNull)
	s.write("N_NULL", m, "x")
	s.read("N_NULL", m, 10)
	s.poll("N_NULL", m)
	s.int("N_TTY", m, pts.TIOCSETD, 0)
	s.write("N_TTY", m, "x")
	s.read("N_TTY at the pts", p, 10)
	s.put(p, "y")
	s.await(m, unix.POLLIN)
	s.read("N_TTY at the ptm", m, 10)
	s.int("N_NULL at the pts", p, pts.TIOCSETD, nNull)
	_, err := unix.IoctlGetTermios(m, unix.TCGETS)
	s.say("TCGETS at the ptm: %s", name(err))
}
