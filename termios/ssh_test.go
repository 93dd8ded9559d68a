package termios

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

// The modes that an OpenSSH client has, in its order, for the settings of a terminal
// emulator that speaks UTF-8.
const openSSH = "8100009600800000960001000000030200" +
	"00001c030000007f0400000015050000000406000000ff07000000ff0800000011090000001" +
	"30a0000001a0c000000120d000000170e0000001612" + "0000000f1e000000001f00000000200000000021000000002200000000230000" +
	"000024000000012500000000260000000127000000002800000000290000" + "00002a0000000132000000013300000001340000000035000000013600000001" +
	"370000000138000000003900000000" + "3a000000003b000000013c000000013d000000013e00000000" +
	"4600000001470000000048000000014900000000" + "4a000000004b000000005a000000015b000000015c000000005d0000000000"

func TestModesOfOpenSSH(t *testing.T) {
	b, err := hex.DecodeString(openSSH)
	if err != nil {
		t.Fatal(err)
	}
	got := Raw()
	if err := got.TakeModes(b); err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Iflag |= IUTF8
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestModesThereAndBack(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 2000 {
		want := somewhat(r)
		b := want.AppendModes([]byte("before"))
		got := want
		for i := range settings {
			if s := &settings[i]; s.ssh != 0 {
				s.set(&got, s.mask == 0 && !s.on(&want))
			}
		}
		for i := range characters {
			if c := &characters[i]; c.ssh != 0 {
				got.Cc[c.index]++
			}
		}
		got.SetSpeed(50)
		if err := got.TakeModes(b[len("before"):]); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
}

func TestModesHostile(t *testing.T) {
	mode := func(opcode uint8, value uint32) string {
		return string(binary.BigEndian.AppendUint32([]byte{opcode}, value))
	}
	echoOff := Default()
	echoOff.Lflag &^= ECHO
	for name, tt := range map[string]struct {
		modes string
		want  Termios
		err   string
	}{
		"nothing":             {"", Default(), ""},
		"the end alone":       {"\x00", Default(), ""},
		"no end":              {mode(53, 0), echoOff, ""},
		"after the end":       {mode(53, 0) + "\x00" + mode(50, 0), echoOff, ""},
		"cut":                 {mode(53, 0) + "\x35\x00\x00", Default(), "opcode 53 has 2 bytes"},
		"an opcode alone":     {"\x01", Default(), "opcode 1 has 0 bytes"},
		"unknown":             {mode(159, 7) + mode(53, 0), echoOff, ""},
		"not of Linux":        {mode(11, 25) + mode(15, 15) + mode(17, 20) + mode(53, 0), echoOff, ""},
		"stops":               {mode(53, 0) + mode(160, 7) + mode(50, 0), echoOff, ""},
		"stops, nothing more": {mode(53, 0) + "\xff", echoOff, ""},
		"twice":               {mode(53, 1) + mode(53, 0), echoOff, ""},
		"not a byte":          {mode(53, 0) + mode(1, 256), Default(), `256 for "intr"`},
		"any number is true":  {mode(53, 0) + mode(53, 1<<31), Default(), ""},
		"a field's value off": {mode(90, 0) + mode(91, 0), Default(), ""},
	} {
		got := Default()
		err := got.TakeModes([]byte(tt.modes))
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s: %v, want %q", name, err, tt.err)
		}
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func FuzzModes(f *testing.F) {
	t := Default()
	f.Add(t.AppendModes(nil))
	f.Add([]byte("\x80\xff\xff\xff\xff\x81\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := Default()
		if err := got.TakeModes(b); err != nil {
			if got != Default() {
				t.Errorf("%x: %v, and it changes something", b, err)
			}
			return
		}
		again := got
		if err := again.TakeModes(again.AppendModes(nil)); err != nil {
			t.Fatal(err)
		}
		if again != got {
			t.Errorf("%x: taken %+v, sent and taken again %+v", b, got, again)
		}
	})
}
