package pts

// Ioctl describes one terminal request: its number, the name Linux gives it, and
// what crosses with it.
type Ioctl struct {
	Req  uint32
	Name string
	Dir  IoctlDir
	Size int // bytes of the argument's structure; 8 for IoctlValue
}

// IoctlDir says how a request uses its argument.
type IoctlDir uint8

const (
	IoctlValue IoctlDir = iota // a plain number, or ignored
	IoctlIn                    // the caller's structure is read
	IoctlOut                   // the caller's structure is filled
)

// The requests that our own code names. Numbers are those of Linux on amd64, arm64,
// riscv64 and the other architectures that use asm-generic/ioctls.h.
const (
	TCGETS         = 0x5401
	TCSETS         = 0x5402
	TIOCSCTTY      = 0x540e
	TIOCGPGRP      = 0x540f
	TIOCSPGRP      = 0x5410
	TIOCSTI        = 0x5412
	TIOCGWINSZ     = 0x5413
	TIOCSWINSZ     = 0x5414
	TIOCPKT        = 0x5420
	TIOCNOTTY      = 0x5422
	TIOCSETD       = 0x5423
	TIOCGSID       = 0x5429
	TIOCVHANGUP    = 0x5437
	TIOCGPTPEER    = 0x5441
	TIOCSLCKTRMIOS = 0x5457
	TIOCGPTN       = 0x80045430
	TIOCSPTLCK     = 0x40045431
	TIOCSIG        = 0x40045436
)

const (
	termiosSize  = 36 // struct termios of the kernel: 4 flags, c_line, 19 c_cc
	termios2Size = 44 // and two speeds
	termioSize   = 18 // struct termio of System V
	winsizeSize  = 8
	intSize      = 4
)

var ioctls = indexIoctls([]Ioctl{
	{TCGETS, "TCGETS", IoctlOut, termiosSize},
	{TCSETS, "TCSETS", IoctlIn, termiosSize},
	{0x5403, "TCSETSW", IoctlIn, termiosSize},
	{0x5404, "TCSETSF", IoctlIn, termiosSize},
	{0x5405, "TCGETA", IoctlOut, termioSize},
	{0x5406, "TCSETA", IoctlIn, termioSize},
	{0x5407, "TCSETAW", IoctlIn, termioSize},
	{0x5408, "TCSETAF", IoctlIn, termioSize},
	{0x5409, "TCSBRK", IoctlValue, 8},
	{0x540a, "TCXONC", IoctlValue, 8},
	{0x540b, "TCFLSH", IoctlValue, 8},
	{0x540c, "TIOCEXCL", IoctlValue, 8},
	{0x540d, "TIOCNXCL", IoctlValue, 8},
	{TIOCSCTTY, "TIOCSCTTY", IoctlValue, 8},
	{TIOCGPGRP, "TIOCGPGRP", IoctlOut, intSize},
	{TIOCSPGRP, "TIOCSPGRP", IoctlIn, intSize},
	{0x5411, "TIOCOUTQ", IoctlOut, intSize},
	{TIOCSTI, "TIOCSTI", IoctlIn, 1},
	{TIOCGWINSZ, "TIOCGWINSZ", IoctlOut, winsizeSize},
	{TIOCSWINSZ, "TIOCSWINSZ", IoctlIn, winsizeSize},
	{0x5419, "TIOCGSOFTCAR", IoctlOut, intSize},
	{0x541a, "TIOCSSOFTCAR", IoctlIn, intSize},
	{0x541b, "FIONREAD", IoctlOut, intSize},
	{0x541d, "TIOCCONS", IoctlValue, 8},
	{TIOCPKT, "TIOCPKT", IoctlIn, intSize},
	{TIOCNOTTY, "TIOCNOTTY", IoctlValue, 8},
	{TIOCSETD, "TIOCSETD", IoctlIn, intSize},
	{0x5424, "TIOCGETD", IoctlOut, intSize},
	{0x5425, "TCSBRKP", IoctlValue, 8},
	{0x5427, "TIOCSBRK", IoctlValue, 8},
	{0x5428, "TIOCCBRK", IoctlValue, 8},
	{TIOCGSID, "TIOCGSID", IoctlOut, intSize},
	{0x802c542a, "TCGETS2", IoctlOut, termios2Size},
	{0x402c542b, "TCSETS2", IoctlIn, termios2Size},
	{0x402c542c, "TCSETSW2", IoctlIn, termios2Size},
	{0x402c542d, "TCSETSF2", IoctlIn, termios2Size},
	{TIOCGPTN, "TIOCGPTN", IoctlOut, intSize},
	{TIOCSPTLCK, "TIOCSPTLCK", IoctlIn, intSize},
	{0x80045432, "TIOCGDEV", IoctlOut, intSize},
	{TIOCSIG, "TIOCSIG", IoctlValue, 8},
	{TIOCVHANGUP, "TIOCVHANGUP", IoctlValue, 8},
	{0x80045438, "TIOCGPKT", IoctlOut, intSize},
	{0x80045439, "TIOCGPTLCK", IoctlOut, intSize},
	{0x80045440, "TIOCGEXCL", IoctlOut, intSize},
	{TIOCGPTPEER, "TIOCGPTPEER", IoctlValue, 8},
	{0x5456, "TIOCGLCKTRMIOS", IoctlOut, termiosSize},
	{TIOCSLCKTRMIOS, "TIOCSLCKTRMIOS", IoctlIn, termiosSize},
})

func indexIoctls(list []Ioctl) map[uint32]Ioctl {
	m := make(map[uint32]Ioctl, len(list))
	for _, r := range list {
		m[r.Req] = r
	}
	return m
}

// LookupIoctl finds a terminal request by its number. One that is not in the table
// is one that no terminal answers: ENOTTY.
func LookupIoctl(req uint32) (Ioctl, bool) {
	r, ok := ioctls[req]
	return r, ok
}

// SetsTermios tells whether r is of the TCSETS family, which job control guards.
func (r Ioctl) SetsTermios() bool {
	return r.Dir == IoctlIn && len(r.Name) >= 5 && r.Name[:5] == "TCSET"
}
