package termios

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"unsafe"
)

const (
	tcgets, tcsets         = 0x5401, 0x5402
	tcgeta, tcseta         = 0x5405, 0x5406
	tcgets2, tcsets2       = 0x802c542a, 0x402c542b
	tiocglcktrmios         = 0x5456
	tiocslcktrmios         = 0x5457
	tiocgwinsz, tiocswinsz = 0x5413, 0x5414
	tiocgptn, tiocsptlck   = 0x80045430, 0x40045431
)

// kernelPts is the pts of a pair of this kernel's.
func kernelPts(t *testing.T) *os.File {
	t.Helper()
	const ptsFlags = os.O_RDWR | syscall.O_NOCTTY
	ptm, err := os.OpenFile("/dev/ptmx", ptsFlags, 0)
	if errors.Is(err, os.ErrNotExist) && os.Getenv("PTSNS_REQUIRE") == "" {
		t.Skip("no /dev/ptmx")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ptm.Close() })
	zero, index := make([]byte, 4), make([]byte, 4)
	if err := ioctl(ptm, tiocsptlck, zero); err != nil {
		t.Fatal(err)
	}
	if err := ioctl(ptm, tiocgptn, index); err != nil {
		t.Fatal(err)
	}
	n := int(index[0]) | int(index[1])<<8 | int(index[2])<<16
	pts, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), ptsFlags, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pts.Close() })
	return pts
}

func ioctl(f *os.File, req uintptr, arg []byte) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	if err := conn.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, req, uintptr(unsafe.Pointer(unsafe.SliceData(arg))))
	}); err != nil {
		return err
	}
	if errno != 0 {
		return errno
	}
	return nil
}

// get is the kernel's settings, all of them.
func get(t *testing.T, pts *os.File) Termios {
	t.Helper()
	var got Termios
	b := make([]byte, Struct2.Size())
	if err := ioctl(pts, tcgets2, b); err != nil {
		t.Fatal(err)
	}
	if !Struct2.Take(b, &got) {
		t.Fatal("struct termios2 is longer than that")
	}
	return got
}

func set(t *testing.T, pts *os.File, want Termios) {
	t.Helper()
	b := make([]byte, Struct2.Size())
	Struct2.Put(b, &want)
	if err := ioctl(pts, tcsets2, b); err != nil {
		t.Fatal(err)
	}
}

// random is settings with any bit set, also those without a name.
func random(r *rand.Rand) Termios {
	word := func() uint32 {
		switch r.IntN(4) {
		case 0:
			return r.Uint32() & r.Uint32() & 0xffff
		case 1:
			return 0
		case 2:
			return r.Uint32() & 0xffff
		}
		return r.Uint32()
	}
	t := Termios{Iflag: word(), Oflag: word(), Cflag: word(), Lflag: word(), Line: uint8(r.Uint32()), Ispeed: word(), Ospeed: word()}
	for i := range t.Cc {
		if r.IntN(3) > 0 {
			t.Cc[i] = uint8(r.Uint32())
		}
	}
	return t
}
