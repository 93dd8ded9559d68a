package termios

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestRaw(t *testing.T) {
	made := Default()
	made.MakeRaw()
	if made.Iflag != 0 || made.Oflag != ONLCR || made.Lflag != ECHOE|ECHOK|ECHOCTL|ECHOKE || made.Cc[VMIN] != 1 || made.Cc[VTIME] != 0 {
		t.Errorf("MakeRaw of Default is %+v", made)
	}
	if raw := Raw(); raw.Iflag|raw.Oflag|raw.Lflag != 0 || raw.Cc != Default().Cc || raw.Cflag != Default().Cflag {
		t.Errorf("Raw is %+v", raw)
	}
}

func TestStructures(t *testing.T) {
	sizes := map[Form]int{Struct: 36, Struct2: 44, Termio: 18}
	full := Termios{Iflag: 0x01020304, Oflag: 0x05060708, Cflag: 0x090a0b0c, Lflag: 0x0d0e0f10, Line: 0x11, Ispeed: 0x12131415, Ospeed: 0x16171819}
	for i := range full.Cc {
		full.Cc[i] = uint8(0x20 + i)
	}
	want := map[Form]func(t Termios) Termios{
		Struct: func(t Termios) Termios { t.Ispeed, t.Ospeed = 0, 0; return t },
		Termio: func(t Termios) Termios {
			n := Termios{Iflag: t.Iflag & 0xffff, Oflag: t.Oflag & 0xffff, Cflag: t.Cflag & 0xffff, Lflag: t.Lflag & 0xffff, Line: t.Line}
			copy(n.Cc[:8], t.Cc[:8])
			return n
		},
		Struct2: func(t Termios) Termios { return t },
	}
	for f, size := range sizes {
		if f.Size() != size {
			t.Errorf("form %d has %d bytes, want %d", f, f.Size(), size)
		}
		b := make([]byte, size+1)
		b[size] = 0xee
		if n := f.Put(b[:size-1], &full); n != 0 || b[0] != 0 {
			t.Errorf("form %d is put into too little: %d", f, n)
		}
		if n := f.Put(b, &full); n != size || b[size] != 0xee {
			t.Errorf("form %d: Put = %d and %#x after it, want %d", f, n, b[size], size)
		}
		var got Termios
		if f.Take(b[:size-1], &got) || got != (Termios{}) {
			t.Errorf("form %d is taken from too little", f)
		}
		if ok := f.Take(b, &got); !ok || got != want[f](full) {
			t.Errorf("form %d:\n got %+v\nwant %+v", f, got, want[f](full))
		}
	}
	var w Winsize
	short := make([]byte, WinsizeSize-1)
	if w.Put(short) != 0 || w.Take(short) || w.Put(nil) != 0 || w.Take(nil) {
		t.Error("a winsize fits into 7 bytes")
	}
}

func TestSpeeds(t *testing.T) {
	for _, tt := range []struct {
		cflag, ispeed, ospeed uint32
		in, out               uint32
	}{
		{B38400, 1, 2, 38400, 38400},
		{B57600, 0, 0, 57600, 57600},
		{B4000000, 0, 0, 4000000, 4000000},
		{B0, 7, 7, 0, 0},
		{BOTHER, 7, 9, 9, 9},
		{BOTHER | BOTHER<<IBSHIFT, 7, 9, 7, 9},
		{B9600 | B300<<IBSHIFT, 7, 9, 300, 9600},
	} {
		s := Termios{Cflag: tt.cflag, Ispeed: tt.ispeed, Ospeed: tt.ospeed}
		if in, out := s.Speeds(); in != tt.in || out != tt.out {
			t.Errorf("%+v: Speeds = %d, %d", tt, in, out)
		}
	}
	for _, speed := range append(speeds[:], 1, 31337, 1<<32-1) {
		s := Default()
		s.SetSpeed(speed)
		if in, out := s.Speeds(); in != speed || out != speed || s.Ispeed != speed || s.Ospeed != speed {
			t.Errorf("SetSpeed(%d) makes it %d, %d", speed, in, out)
		}
		if s.Cflag&^(CBAUD|CIBAUD) != CS8|CREAD {
			t.Errorf("SetSpeed(%d) makes Cflag %#x", speed, s.Cflag)
		}
	}
}

// Each entry of the tables is found by its name and is not shadowed by another.
func TestTables(t *testing.T) {
	names, opcodes := make(map[string]bool), make(map[uint8]bool)
	once := func(name string, opcode uint8) {
		if names[name] || opcode != 0 && opcodes[opcode] {
			t.Errorf("%q or opcode %d is there twice", name, opcode)
		}
		names[name], opcodes[opcode] = true, true
	}
	for _, s := range settings {
		once(s.name, s.ssh)
		if s.mask != 0 && (s.bits&^s.mask != 0 || s.use&negated != 0) || s.mask == 0 && s.bits == 0 {
			t.Errorf("%q: bits %#x, mask %#x", s.name, s.bits, s.mask)
		}
	}
	for _, c := range characters {
		once(c.name, c.ssh)
	}
	for name := range combinations {
		s, size := Default(), Winsize{}
		if err := s.Stty(&size, name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestSttyErrors(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"intr", "want a value"},
		{"-echo min 256", `"256"`},
		{"raw bogus", `"bogus"`},
		{"-cs8", `"-cs8"`},
		{"ispeed fast", `"fast"`},
		{"line 256", `"256"`},
		{"rows 65536", `"65536"`},
		{"500:5:bf:8a3b:3", "no such setting"},
	} {
		got, size := Default(), Winsize{Row: 1}
		err := got.Stty(&size, strings.Fields(tt.args)...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.args, err, tt.want)
		}
		if got != Default() || size.Row != 1 {
			t.Errorf("%q is refused and changes something", tt.args)
		}
	}
	got := Default()
	if err := got.Stty(nil, "rows", "3", "-echo"); err != nil || got.Lflag&ECHO != 0 {
		t.Errorf("without a size: %v", err)
	}
}

func FuzzStty(f *testing.F) {
	f.Add("sane -echo intr ^C min 1 9600")
	f.Add(Default().SttySave())
	f.Add("rows 0x10 cols 010 line 7 ispeed 300")
	f.Fuzz(func(t *testing.T, line string) {
		got, size := Default(), Winsize{}
		if err := got.Stty(&size, strings.Fields(line)...); err != nil && got != Default() {
			t.Fatalf("%q is refused and changes something", line)
		}
		again := Termios{Line: got.Line, Ispeed: got.Ispeed, Ospeed: got.Ospeed}
		if err := again.Stty(nil, got.SttySave()); err != nil || again != got {
			t.Errorf("%q: saved and restored:\n got %+v, %v\nwant %+v", line, again, err, got)
		}
	})
}

func FuzzStructures(f *testing.F) {
	f.Add([]byte("0123456789012345678901234567890123456789012345678901234567890123456789"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, form := range []Form{Struct, Struct2, Termio} {
			var v Termios
			if ok := form.Take(b, &v); ok != (len(b) >= form.Size()) {
				t.Fatalf("form %d of %d bytes: %v", form, len(b), ok)
			} else if !ok {
				continue
			}
			_ = v.SttyAll(Winsize{}, 80)
			out := make([]byte, form.Size())
			form.Put(out, &v)
			carried := form.Size()
			if form == Termio {
				carried-- // padding
			}
			if string(out[:carried]) != string(b[:carried]) {
				t.Errorf("form %d: %x comes back as %x", form, b, out)
			}
		}
	})
}

func BenchmarkTake(b *testing.B) {
	t, p := Default(), make([]byte, Struct2.Size())
	Struct2.Put(p, &t)
	b.ReportAllocs()
	for b.Loop() {
		Struct2.Take(p, &t)
	}
}

// somewhat is settings that SSH can carry whole.
func somewhat(r *rand.Rand) Termios {
	t := Default()
	for i := range settings {
		if s := &settings[i]; s.ssh != 0 && (s.mask == 0 || r.IntN(2) == 0) {
			s.set(&t, s.mask != 0 || r.IntN(2) == 0)
		}
	}
	for i := range characters {
		if characters[i].ssh != 0 {
			t.Cc[characters[i].index] = uint8(r.IntN(255))
		}
	}
	t.setBoth(1+r.Uint32N(10000), speeds[r.IntN(len(speeds))])
	return t
}
