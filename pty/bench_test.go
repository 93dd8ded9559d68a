package pty

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"sync"
	"testing"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
)

func raw(t *termios.Termios)     { t.Iflag, t.Oflag, t.Lflag = 0, 0, 0 }
func rawEcho(t *termios.Termios) { raw(t); t.Lflag = termios.ECHO }
func lines(t *termios.Termios)   { raw(t); t.Oflag = termios.OPOST | termios.ONLCR }
func silent(t *termios.Termios)  { t.Lflag &^= termios.ECHO }
func fresh(*termios.Termios)     {}

// openWith opens a pair with changed settings, to be closed with the test.
func openWith(tb testing.TB, change func(*termios.Termios)) (*PTM, *PTS) {
	tb.Helper()
	m, s := Open()
	tb.Cleanup(func() { _, _ = s.Close(), m.Close() })
	t, err := s.Termios()
	if err != nil {
		tb.Fatal(err)
	}
	change(&t)
	if err := s.SetTermios(TCSANOW, t); err != nil {
		tb.Fatal(err)
	}
	return m, s
}

var (
	block    = bytes.Repeat([]byte{'x'}, 64<<10)
	line     = append(bytes.Repeat([]byte{'x'}, 79), '\n')
	lineFeed = bytes.Repeat(line, len(block)/len(line))
)

// writer writes p until its end is closed.
func writer(f interface{ Write([]byte) (int, error) }, p []byte) {
	for {
		if _, err := f.Write(p); err != nil {
			return
		}
	}
}

// read reads size bytes a time until b is over, and gives b the size of what came.
func read(b *testing.B, f interface{ Read([]byte) (int, error) }, size int) {
	b.ReportAllocs()
	p := make([]byte, size)
	var total int64
	for b.Loop() {
		n, err := f.Read(p)
		if err != nil {
			b.Fatal(err)
		}
		total += int64(n)
	}
	b.SetBytes(total / int64(b.N))
}

// A program writes, another goroutine reads the ptm.
func BenchmarkOutput(b *testing.B) {
	for _, bm := range []struct {
		name   string
		change func(*termios.Termios)
		p      []byte
	}{{"raw", raw, block}, {"lines", lines, line}} {
		b.Run(bm.name, func(b *testing.B) {
			m, s := openWith(b, bm.change)
			var wg sync.WaitGroup
			wg.Go(func() { writer(s, bm.p) })
			read(b, m, len(block))
			b.StopTimer()
			_ = m.Close()
			wg.Wait()
		})
	}
}

// The ptm is written to, a program reads lines, and with echo a third goroutine reads
// that.
func BenchmarkInput(b *testing.B) {
	for _, bm := range []struct {
		name   string
		change func(*termios.Termios)
	}{{"canon", silent}, {"canon echo", fresh}} {
		b.Run(bm.name, func(b *testing.B) {
			m, s := openWith(b, bm.change)
			var wg sync.WaitGroup
			wg.Go(func() { writer(m, lineFeed) })
			wg.Go(func() {
				p := make([]byte, len(block))
				for {
					if _, err := m.Read(p); err != nil {
						return
					}
				}
			})
			read(b, s, 4096)
			b.StopTimer()
			_ = m.Close()
			wg.Wait()
		})
	}
}

// echo types a key and reads its echo and the key, with one goroutine.
func echo(tb testing.TB, m *PTM, s *PTS, p []byte) {
	if _, err := m.Write(p[:1]); err != nil {
		tb.Fatal(err)
	}
	if _, err := m.Read(p); err != nil {
		tb.Fatal(err)
	}
	if _, err := s.Read(p); err != nil {
		tb.Fatal(err)
	}
}

func BenchmarkEcho(b *testing.B) {
	m, s := openWith(b, rawEcho)
	p := []byte("x234567890123456")
	b.ReportAllocs()
	for b.Loop() {
		echo(b, m, s, p)
	}
}

func BenchmarkOpenClose(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		m, s := Open()
		if s.Close() != nil || m.Close() != nil {
			b.Fatal("it is closed already")
		}
	}
}

// A million pairs that are open at once.
func BenchmarkMillion(b *testing.B) {
	const pairs = 1000000
	ms, ss := make([]*PTM, pairs), make([]*PTS, pairs)
	for b.Loop() {
		before := heap()
		for i := range pairs {
			ms[i], ss[i] = Open()
		}
		b.ReportMetric(float64(heap()-before)/pairs, "B/pair")
		for i := range pairs {
			if ss[i].Close() != nil || ms[i].Close() != nil {
				b.Fatal("it is closed already")
			}
			ms[i], ss[i] = nil, nil
		}
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // empties what pools had kept through the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A pair that has been used and is idle again takes less than 1 KiB.
func TestIdlePairIsSmall(t *testing.T) {
	const pairs = 1000
	ms, ss := make([]*PTM, pairs), make([]*PTS, pairs)
	p := make([]byte, 100)
	flush := binary.LittleEndian.AppendUint64(nil, 2) // TCIOFLUSH
	for name, use := range map[string]func(*PTM, *PTS){
		"fresh": func(*PTM, *PTS) {},
		"after a line": func(m *PTM, s *PTS) {
			if _, err := m.Write([]byte("ls\n")); err != nil {
				t.Fatal(err)
			}
			if n, err := m.Read(p); err != nil || string(p[:n]) != "ls\r\n" {
				t.Fatal(string(p[:n]), err)
			}
			if n, err := s.Read(p); err != nil || string(p[:n]) != "ls\n" {
				t.Fatal(string(p[:n]), err)
			}
		},
		"after a flush": func(m *PTM, s *PTS) {
			if _, err := m.Write([]byte("half a line")); err != nil {
				t.Fatal(err)
			}
			if _, err := m.End(nil).Read(p); err != nil {
				t.Fatal(err)
			}
			for _, e := range []pts.End{m.End(nil), s.End(nil)} {
				if _, err := e.Ioctl(nil, 0x540b, flush); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		before := heap()
		for i := range pairs {
			ms[i], ss[i] = Open()
			use(ms[i], ss[i])
		}
		if each := (heap() - before) / pairs; each >= 1024 {
			t.Errorf("%s: a pair takes %d bytes", name, each)
		} else {
			t.Logf("%s: a pair takes %d bytes", name, each)
		}
		for i := range pairs {
			if ss[i].Close() != nil || ms[i].Close() != nil {
				t.Fatal("it is closed already")
			}
		}
		clear(ms)
		clear(ss)
	}
}
