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

// The requests. Numbers are those of Linux on amd64, arm64,
// riscv64 and the other architectures that use asm-generic/ioctls.h.
const (
	TCGETS         = 0x5401
	TCSETS         = 0x5402
	TCSETSW        = 0x5403
	TCSETSF        = 0x5404
	TCGETA         = 0x5405
	TCSETA         = 0x5406
	TCSETAW        = 0x5407
	TCSETAF        = 0x5408
	TCSBRK         = 0x5409
	TCXONC         = 0x540a
	TCFLSH         = 0x540b
	TIOCEXCL       = 0x540c
	TIOCNXCL       = 0x540d
	TIOCSCTTY      = 0x540e
	TIOCGPGRP      = 0x540f
	TIOCSPGRP      = 0x5410
	TIOCOUTQ       = 0x5411
	TIOCSTI        = 0x5412
	TIOCGWINSZ     = 0x5413
	TIOCSWINSZ     = 0x5414
	TIOCGSOFTCAR   = 0x5419
	TIOCSSOFTCAR   = 0x541a
	FIONREAD       = 0x541b
	TIOCCONS       = 0x541d
	TIOCPKT        = 0x5420
	TIOCNOTTY      = 0x5422
	TIOCSETD       = 0x5423
	TIOCGETD       = 0x5424
	TCSBRKP        = 0x5425
	TIOCSBRK       = 0x5427
	TIOCCBRK       = 0x5428
	TIOCGSID       = 0x5429
	TCGETS2        = 0x802c542a
	TCSETS2        = 0x402c542b
	TCSETSW2       = 0x402c542c
	TCSETSF2       = 0x402c542d
	TIOCGPTN       = 0x80045430
	TIOCSPTLCK     = 0x40045431
	TIOCGDEV       = 0x80045432
	TIOCSIG        = 0x40045436
	TIOCVHANGUP    = 0x5437
	TIOCGPKT       = 0x80045438
	TIOCGPTLCK     = 0x80045439
	TIOCGEXCL      = 0x80045440
	TIOCGPTPEER    = 0x5441
	TIOCGLCKTRMIOS = 0x5456
	TIOCSLCKTRMIOS = 0x5457
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
	{TCSETSW, "TCSETSW", IoctlIn, termiosSize},
	{TCSETSF, "TCSETSF", IoctlIn, termiosSize},
	{TCGETA, "TCGETA", IoctlOut, termioSize},
	{TCSETA, "TCSETA", IoctlIn, termioSize},
	{TCSETAW, "TCSETAW", IoctlIn, termioSize},
	{TCSETAF, "TCSETAF", IoctlIn, termioSize},
	{TCSBRK, "TCSBRK", IoctlValue, 8},
	{TCXONC, "TCXONC", IoctlValue, 8},
	{TCFLSH, "TCFLSH", IoctlValue, 8},
	{TIOCEXCL, "TIOCEXCL", IoctlValue, 8},
	{TIOCNXCL, "TIOCNXCL", IoctlValue, 8},
	{TIOCSCTTY, "TIOCSCTTY", IoctlValue, 8},
	{TIOCGPGRP, "TIOCGPGRP", IoctlOut, intSize},
	{TIOCSPGRP, "TIOCSPGRP", IoctlIn, intSize},
	{TIOCOUTQ, "TIOCOUTQ", IoctlOut, intSize},
	{TIOCSTI, "TIOCSTI", IoctlIn, 1},
	{TIOCGWINSZ, "TIOCGWINSZ", IoctlOut, winsizeSize},
	{TIOCSWINSZ, "TIOCSWINSZ", IoctlIn, winsizeSize},
	{TIOCGSOFTCAR, "TIOCGSOFTCAR", IoctlOut, intSize},
	{TIOCSSOFTCAR, "TIOCSSOFTCAR", IoctlIn, intSize},
	{FIONREAD, "FIONREAD", IoctlOut, intSize},
	{TIOCCONS, "TIOCCONS", IoctlValue, 8},
	{TIOCPKT, "TIOCPKT", IoctlIn, intSize},
	{TIOCNOTTY, "TIOCNOTTY", IoctlValue, 8},
	{TIOCSETD, "TIOCSETD", IoctlIn, intSize},
	{TIOCGETD, "TIOCGETD", IoctlOut, intSize},
	{TCSBRKP, "TCSBRKP", IoctlValue, 8},
	{TIOCSBRK, "TIOCSBRK", IoctlValue, 8},
	{TIOCCBRK, "TIOCCBRK", IoctlValue, 8},
	{TIOCGSID, "TIOCGSID", IoctlOut, intSize},
	{TCGETS2, "TCGETS2", IoctlOut, termios2Size},
	{TCSETS2, "TCSETS2", IoctlIn, termios2Size},
	{TCSETSW2, "TCSETSW2", IoctlIn, termios2Size},
	{TCSETSF2, "TCSETSF2", IoctlIn, termios2Size},
	{TIOCGPTN, "TIOCGPTN", IoctlOut, intSize},
	{TIOCSPTLCK, "TIOCSPTLCK", IoctlIn, intSize},
	{TIOCGDEV, "TIOCGDEV", IoctlOut, intSize},
	{TIOCSIG, "TIOCSIG", IoctlValue, 8},
	{TIOCVHANGUP, "TIOCVHANGUP", IoctlValue, 8},
	{TIOCGPKT, "TIOCGPKT", IoctlOut, intSize},
	{TIOCGPTLCK, "TIOCGPTLCK", IoctlOut, intSize},
	{TIOCGEXCL, "TIOCGEXCL", IoctlOut, intSize},
	{TIOCGPTPEER, "TIOCGPTPEER", IoctlValue, 8},
	{TIOCGLCKTRMIOS, "TIOCGLCKTRMIOS", IoctlOut, termiosSize},
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
