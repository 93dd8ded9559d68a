package pty

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

// No byte is lost, doubled or out of order, in both directions at once, while others
// look at everything and change what does not matter to the bytes.
func TestBytesArrive(t *testing.T) {
	blocked := func(f interface{ End(pts.Caller) pts.End }) io.ReadWriter { return f.(io.ReadWriter) }
	started := func(f interface{ End(pts.Caller) pts.End }) io.ReadWriter { return startedOf(f.End(nil)) }
	for _, c := range []struct {
		name     string
		from, to func(interface{ End(pts.Caller) pts.End }) io.ReadWriter
	}{{"blocked", blocked, blocked}, {"started", started, started}, {"blocked to started", blocked, started}, {"started to blocked", started, blocked}} {
		t.Run(c.name, func(t *testing.T) { testBytesArrive(t, c.from, c.to) })
	}
}

func testBytesArrive(t *testing.T, from, to func(interface{ End(pts.Caller) pts.End }) io.ReadWriter) {
	const size = 1 << 20
	_, _, m, s := pairOf(t, "raw", "-echo", "min", "1")
	var others, ways sync.WaitGroup
	stop := make(chan struct{})
	for _, e := range []pts.End{m.End(nil), s.End(nil)} {
		others.Go(func() {
			b := make([]byte, 64)
			forget := e.Notify(wait.In, func(wait.Events) {})
			defer forget()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				_ = e.Poll()
				_, _ = e.Ioctl(nil, pts.FIONREAD, b)
				_, _ = e.Ioctl(nil, pts.TCGETS, b)
				_, _ = e.Ioctl(nil, pts.TCSETSW, b)
				binary.LittleEndian.PutUint64(b, uint64(i%2)) // TCOOFF, TCOON
				_, _ = s.Ioctl(pts.TCXONC, b)
			}
		})
	}
	way := func(name string, from io.Writer, to io.Reader) {
		ways.Go(func() {
			r := rand.New(rand.NewPCG(1, 1))
			for at := 0; at < size; {
				n := min(1+r.IntN(5000), size-at)
				if _, err := from.Write(numbered(at, n)); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				at += n
			}
		})
		ways.Go(func() {
			r := rand.New(rand.NewPCG(2, 2))
			b := make([]byte, 6000)
			for at := 0; at < size; {
				n, err := to.Read(b[:1+r.IntN(len(b))])
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				if !bytes.Equal(b[:n], numbered(at, n)) {
					t.Errorf("%s: wrong bytes after %d", name, at)
					return
				}
				at += n
			}
		})
	}
	way("pts to ptm", from(s), to(m))
	way("ptm to pts", from(m), to(s))
	ways.Wait()
	close(stop)
	others.Wait()
}

// numbered is n bytes of a stream in which each position has its own.
func numbered(at, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		x := uint32(at + i)
		b[i] = byte(x ^ x>>8*7 ^ x>>16*13)
	}
	return b
}

// Lines of several writers, to several readers: each arrives once and whole.
func TestLinesArriveOnce(t *testing.T) {
	const writers, readers, lines = 4, 3, 1000
	_, _, m, s := pairOf(t, "-echo")
	var mu sync.Mutex
	seen := make(map[string]int)
	var all, in sync.WaitGroup
	for w := range writers {
		in.Go(func() {
			for i := range lines {
				if _, err := fmt.Fprintf(m, "writer %d line %d\n", w, i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range readers {
		reader := io.Reader(s)
		if i == 0 {
			reader = startedOf(s.End(nil))
		}
		all.Go(func() {
			b := make([]byte, 100)
			for {
				n, err := reader.Read(b)
				if err == io.EOF {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				seen[string(b[:n])]++
				mu.Unlock()
			}
		})
	}
	in.Wait()
	for range readers {
		send(t, m, "\x04")
	}
	all.Wait()
	if len(seen) != writers*lines {
		t.Errorf("%d different lines, want %d", len(seen), writers*lines)
	}
	for line, n := range seen {
		if n != 1 {
			t.Errorf("%q came %d times", line, n)
		}
	}
}

// Whatever happens at once, nobody waits for ever once the ends are closed.
func TestNobodyWaitsForEver(t *testing.T) {
	for round := range uint64(60) {
		r := rand.New(rand.NewPCG(round, 5))
		m, s := Open()
		var mu sync.Mutex // guards open
		open := []*PTS{s}
		pick := func(r *rand.Rand) *PTS {
			mu.Lock()
			defer mu.Unlock()
			return open[r.IntN(len(open))]
		}
		var wg sync.WaitGroup
		for worker := range 8 {
			r := rand.New(rand.NewPCG(round, uint64(worker)))
			wg.Go(func() {
				b := make([]byte, 3000)
				for i := range b {
					b[i] = "ab\n\x03\x13\x11\x04\x7f\r"[r.IntN(9)]
				}
				for range 30 {
					p := pick(r)
					switch r.IntN(10) {
					case 0, 1:
						if _, err := m.Read(b); errors.Is(err, pts.EBADF) {
							return
						}
					case 2:
						_, _ = m.Write(b[:r.IntN(len(b))])
					case 3:
						_, _ = p.Read(b)
					case 4:
						_, _ = p.Write(b[:r.IntN(len(b))])
					case 5:
						tio, _ := p.Termios()
						tio.Lflag ^= r.Uint32() & (termios.ICANON | termios.ECHO | termios.ISIG)
						tio.Cc[termios.VTIME] = byte(r.IntN(2))
						_ = p.SetTermios(r.IntN(3), tio)
					case 6:
						if next, err := m.OpenPTS(nil, O_RDWR); err == nil {
							mu.Lock()
							open = append(open, next)
							mu.Unlock()
						}
						_ = p.Close()
					case 7:
						if r.IntN(10) == 0 {
							_ = p.Hangup()
						}
						_ = p.SetReadDeadline([]time.Time{{}, time.Unix(1, 0)}[r.IntN(2)])
					case 8:
						over := make(chan struct{})
						x := p.End(nil).(pts.Starter).StartRead(nil, make([]byte, 100), func(int, error) { close(over) })
						if r.IntN(2) == 0 {
							x.Interrupt()
						}
						wg.Go(func() { <-over })
					case 9:
						over := make(chan struct{})
						x := m.End(nil).(pts.Starter).StartWrite(nil, b[:r.IntN(len(b))], func(int, error) { close(over) })
						if r.IntN(2) == 0 {
							x.Interrupt()
						}
						wg.Go(func() { <-over })
					}
				}
			})
		}
		if r.IntN(2) == 0 {
			_, _ = m.Write([]byte("typed\n"))
		}
		_ = m.Close()
		wg.Wait()
		for _, p := range open {
			_ = p.Close()
		}
	}
}
