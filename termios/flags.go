package termios

// Bits of Iflag: input.
const (
	IGNBRK  = 0x1
	BRKINT  = 0x2
	IGNPAR  = 0x4
	PARMRK  = 0x8
	INPCK   = 0x10
	ISTRIP  = 0x20
	INLCR   = 0x40
	IGNCR   = 0x80
	ICRNL   = 0x100
	IUCLC   = 0x200
	IXON    = 0x400
	IXANY   = 0x800
	IXOFF   = 0x1000
	IMAXBEL = 0x2000
	IUTF8   = 0x4000
)

// Bits of Oflag: output.
const (
	OPOST  = 0x1
	OLCUC  = 0x2
	ONLCR  = 0x4
	OCRNL  = 0x8
	ONOCR  = 0x10
	ONLRET = 0x20
	OFILL  = 0x40
	OFDEL  = 0x80

	NLDLY  = 0x100 // mask
	NL0    = 0x0
	NL1    = 0x100
	CRDLY  = 0x600 // mask
	CR0    = 0x0
	CR1    = 0x200
	CR2    = 0x400
	CR3    = 0x600
	TABDLY = 0x1800 // mask
	TAB0   = 0x0
	TAB1   = 0x800
	TAB2   = 0x1000
	TAB3   = 0x1800
	XTABS  = 0x1800 // TAB3: tabs become spaces
	BSDLY  = 0x2000 // mask
	BS0    = 0x0
	BS1    = 0x2000
	VTDLY  = 0x4000 // mask
	VT0    = 0x0
	VT1    = 0x4000
	FFDLY  = 0x8000 // mask
	FF0    = 0x0
	FF1    = 0x8000
)

// Bits of Cflag: a line that a pty does not have, and the speeds.
const (
	CSIZE   = 0x30 // mask
	CS5     = 0x0
	CS6     = 0x10
	CS7     = 0x20
	CS8     = 0x30
	CSTOPB  = 0x40
	CREAD   = 0x80
	PARENB  = 0x100
	PARODD  = 0x200
	HUPCL   = 0x400
	CLOCAL  = 0x800
	ADDRB   = 0x20000000
	CMSPAR  = 0x40000000
	CRTSCTS = 0x80000000

	CBAUD   = 0x100f     // mask: speed, of output and, where CIBAUD is 0, of input
	CBAUDEX = 0x1000     // part of CBAUD
	CIBAUD  = 0x100f0000 // mask: CBAUD << IBSHIFT, speed of input
	IBSHIFT = 16
)

// Values of Cflag&CBAUD.
const (
	B0       = 0x0
	B50      = 0x1
	B75      = 0x2
	B110     = 0x3
	B134     = 0x4
	B150     = 0x5
	B200     = 0x6
	B300     = 0x7
	B600     = 0x8
	B1200    = 0x9
	B1800    = 0xa
	B2400    = 0xb
	B4800    = 0xc
	B9600    = 0xd
	B19200   = 0xe
	B38400   = 0xf
	BOTHER   = 0x1000 // the speed is in Ospeed (Ispeed)
	B57600   = 0x1001
	B115200  = 0x1002
	B230400  = 0x1003
	B460800  = 0x1004
	B500000  = 0x1005
	B576000  = 0x1006
	B921600  = 0x1007
	B1000000 = 0x1008
	B1152000 = 0x1009
	B1500000 = 0x100a
	B2000000 = 0x100b
	B2500000 = 0x100c
	B3000000 = 0x100d
	B3500000 = 0x100e
	B4000000 = 0x100f
)

// Bits of Lflag: the line discipline.
const (
	ISIG    = 0x1
	ICANON  = 0x2
	XCASE   = 0x4
	ECHO    = 0x8
	ECHOE   = 0x10
	ECHOK   = 0x20
	ECHONL  = 0x40
	NOFLSH  = 0x80
	TOSTOP  = 0x100
	ECHOCTL = 0x200
	ECHOPRT = 0x400
	ECHOKE  = 0x800
	FLUSHO  = 0x1000
	PENDIN  = 0x4000
	IEXTEN  = 0x8000
	EXTPROC = 0x10000
)

// Indices into Cc.
const (
	VINTR    = 0
	VQUIT    = 1
	VERASE   = 2
	VKILL    = 3
	VEOF     = 4
	VTIME    = 5
	VMIN     = 6
	VSWTC    = 7
	VSTART   = 8
	VSTOP    = 9
	VSUSP    = 10
	VEOL     = 11
	VREPRINT = 12
	VDISCARD = 13
	VWERASE  = 14
	VLNEXT   = 15
	VEOL2    = 16
)
