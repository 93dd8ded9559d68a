package ldisc

import (
	"bytes"
	"testing"

	tm "github.com/ptsns/ptsns/termios"
)

// work is one round of what a benchmark measures, and how many bytes it moves.
type work struct {
	name  string
	set   func(*tm.Termios)
	bytes int64
	round func(*bench)
}

// bench is a discipline with what it reads and writes.
type bench struct {
	d    NTTY
	out  Queue
	fx   Effects
	line []byte // 80 bytes
	data []byte // 40 lines, less than the discipline holds
	p    []byte // what is read
}

func newBench(set func(*tm.Termios)) *bench {
	b := &bench{p: make([]byte, QueueSize)}
	b.line = append(bytes.Repeat([]byte{'x'}, 79), '\n')
	b.data = bytes.Repeat(b.line, 40)
	t := tm.Default()
	set(&t)
	b.d.Reset(t)
	return b
}

// output is a program that writes and a ptm that reads.
func (b *bench) output() {
	for range 40 {
		b.d.Write(b.line, &b.out)
	}
	b.out.Take(b.p)
}

// outputBlock is the same with one write.
func (b *bench) outputBlock() {
	b.d.Write(b.data, &b.out)
	b.out.Take(b.p)
}

// input is a ptm that writes lines, its echo, and a program that reads.
func (b *bench) input() {
	b.fx = Effects{}
	b.d.Receive(b.data, &b.out, &b.fx)
	for b.d.Readable() {
		b.d.Read(b.p)
	}
	b.out.Take(b.p)
}

// key is a key that is typed, echoed and read.
func (b *bench) key() {
	b.fx = Effects{}
	b.d.Receive(b.line[:1], &b.out, &b.fx)
	b.out.Take(b.p)
	b.d.Read(b.p)
}

func raw(t *tm.Termios)     { *t = tm.Raw() }
func rawEcho(t *tm.Termios) { *t = tm.Raw(); t.Lflag = tm.ECHO }
func fresh(*tm.Termios)     {}
func silent(t *tm.Termios)  { t.Lflag &^= tm.ECHO }
func utf8(t *tm.Termios)    { t.Iflag |= tm.IUTF8 }

var works = []work{
	{"raw output", raw, 3200, (*bench).outputBlock},
	{"lines", fresh, 3200, (*bench).output},
	{"lines in one write", fresh, 3200, (*bench).outputBlock},
	{"raw input", raw, 3200, (*bench).input},
	{"canon", silent, 3200, (*bench).input},
	{"canon echo", fresh, 3200, (*bench).input},
	{"canon echo utf8", utf8, 3200, (*bench).input},
	{"key", rawEcho, 1, (*bench).key},
}

func BenchmarkNTTY(b *testing.B) {
	for _, w := range works {
		b.Run(w.name, func(b *testing.B) {
			bench := newBench(w.set)
			b.SetBytes(w.bytes)
			b.ReportAllocs()
			for b.Loop() {
				w.round(bench)
			}
		})
	}
}
