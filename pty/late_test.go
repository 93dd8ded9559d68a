package pty

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
)

// step is what one of the two pairs below answers.
type step struct {
	n    int
	err  error
	data string
}

// act does one random thing to a pair and tells what anybody could see of it.
func act(r *rand.Rand, m, s pts.End) (what string, got step) {
	ioctl := func(e pts.End, req uint32, arg []byte) step {
		n, err := e.Ioctl(nil, req, arg)
		return step{n, err, string(arg)}
	}
	read := func(e pts.End) step {
		p := make([]byte, []int{1, 7, 80, 300, 4096}[r.IntN(5)])
		n, err := e.Read(p)
		return step{n, err, string(p[:n])}
	}
	switch k := r.IntN(40); {
	case k < 8:
		var p []byte
		special := "\x7f\x15\x04\x16\x12\x03\x11\x13\t\xff"
		for range 1 + r.IntN(60) {
			p = append(p, bytes.Repeat([]byte{'a' + byte(r.IntN(26))}, r.IntN(150))...)
			if r.IntN(100) == 0 {
				p = append(p, special[r.IntN(len(special))])
			}
			p = append(p, '\n')
		}
		n, err := m.Write(p)
		return fmt.Sprintf("write ptm %d", len(p)), step{n: n, err: err}
	case k < 28:
		return "read pts", read(s)
	case k < 31:
		return "read ptm", read(m)
	case k == 31:
		return "poll ptm", step{n: int(m.Poll())}
	case k == 32:
		return "poll pts", step{n: int(s.Poll())}
	case k == 33:
		return "FIONREAD ptm", ioctl(m, 0x541b, make([]byte, 4))
	case k == 34:
		return "FIONREAD pts", ioctl(s, 0x541b, make([]byte, 4))
	case k == 35:
		n, err := s.Write([]byte("output\n"))
		return "write pts", step{n: n, err: err}
	case k == 36:
		queue := binary.LittleEndian.AppendUint64(nil, uint64(r.IntN(3)))
		end := []pts.End{m, s}[r.IntN(2)]
		if r.IntN(4) > 0 {
			return "nothing", step{}
		}
		return "TCFLSH", ioctl(end, 0x540b, queue)
	default:
		t := termios.Default()
		if r.IntN(2) == 0 {
			t.Lflag &^= termios.ECHO
		}
		if r.IntN(5) == 0 {
			t.Lflag &^= termios.ICANON
		}
		if r.IntN(3) == 0 {
			t.Lflag ^= termios.ECHONL
		}
		if r.IntN(3) == 0 {
			t.Iflag |= termios.IXANY
		}
		if r.IntN(4) > 0 {
			return "nothing", step{}
		}
		b := make([]byte, termios.Struct.Size())
		termios.Struct.Put(b, &t)
		return "TCSETS", ioctl(s, pts.TCSETS, b)
	}
}

// What a reader of the pts puts off nobody notices: a pair that catches up after each step
// answers the same.
func TestPuttingOffIsNotSeen(t *testing.T) {
	waited := 0
	for seed := range uint64(60) {
		late, prompt := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 1))
		lateM, lateS := Open()
		promptM, promptS := Open()
		for i := range 400 {
			what, got := act(late, lateM.End(nil), lateS.End(nil))
			_, want := act(prompt, promptM.End(nil), promptS.End(nil))
			promptM.p.mu.Lock()
			var o owed
			promptM.p.catchUpLocked(&o)
			promptM.p.unlock(&o)
			if lateM.p.back.Len() > promptM.p.back.Len() {
				waited++
			}
			if got != want {
				t.Fatalf("seed %d, step %d, %s:\n got %+v\nwant %+v", seed, i, what, got, want)
			}
		}
	}
	if waited == 0 {
		t.Error("nothing was put off")
	}
	t.Logf("put off after %d steps", waited)
}
