package termios

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// stty runs the real one on pts and gives what it prints.
func stty(t *testing.T, pts *os.File, columns int, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("stty")
	if err != nil && os.Getenv("PTSNS_REQUIRE") == "" {
		t.Skip("no stty")
	}
	var out bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = pts, &out, &out
	cmd.Env = []string{"LC_ALL=C", "COLUMNS=" + strconv.Itoa(columns)}
	err = cmd.Run()
	return out.String(), err
}

// plain is t with a speed that every stty knows, the same both ways, and without the
// bit of Iflag in which the GNU C library hides an input speed of 0.
func plain(r *rand.Rand, t Termios) Termios {
	t.Iflag &^= 1 << 31
	t.SetSpeed(speeds[r.IntN(len(speeds))])
	return t
}

// What stty prints of any settings, on a screen of any width, is what SttyAll and
// SttySave give.
func TestPrintedAsByStty(t *testing.T) {
	pts := kernelPts(t)
	r := rand.New(rand.NewPCG(5, 6))
	rounds := 1500
	if testing.Short() {
		rounds = 100
	}
	for round := range rounds {
		set(t, pts, plain(r, random(r)))
		now := get(t, pts)
		size := Winsize{Row: uint16(r.Uint32()), Col: uint16(r.Uint32())}
		b := make([]byte, WinsizeSize)
		size.Put(b)
		if err := ioctl(pts, tiocswinsz, b); err != nil {
			t.Fatal(err)
		}
		columns := 1 + r.IntN(150)
		want, err := stty(t, pts, columns, "-a")
		if err != nil {
			t.Fatalf("stty -a: %v: %s", err, want)
		}
		if got := now.SttyAll(size, columns); got != want {
			t.Fatalf("round %d, %+v on %d columns:\n got\n%s\nwant\n%s", round, now, columns, got, want)
		}
		want, err = stty(t, pts, columns, "-g")
		if err != nil {
			t.Fatalf("stty -g: %v: %s", err, want)
		}
		if got := now.SttySave() + "\n"; got != want {
			t.Fatalf("round %d, %+v:\n got %swant %s", round, now, got, want)
		}
	}
}

// everySetting is each setting of stty and its negation, and some that are none.
func everySetting() []string {
	words := []string{"raw", "sane", "drain", "-drain", "9600", "exta", "extb", "0", "b9600", "-9600", "", "-", "bogus", "-sane", "-raw", "-dec", "-ek", "-crt", "-drain", "--echo"}
	for _, s := range settings {
		words = append(words, s.name, "-"+s.name)
	}
	for c := range combinations {
		words = append(words, c)
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// everyValue is each setting with a value, and values good and bad.
func everyValue() (args [][]string) {
	for _, c := range characters {
		for _, v := range []string{"", "a", "5", "^c", "^C", "^?", "^-", "undef", "^", "^[", "^ca", "12", "010", "0x1f", "0", "00", "0x", "255", "256", "-1", "a1", "\xff", "é", "08", "1_0", "0b1", "+7"} {
			args = append(args, []string{c.name, v})
		}
		args = append(args, []string{c.name}, []string{"-" + c.name, "a"})
	}
	for _, name := range []string{"ispeed", "ospeed"} {
		for _, v := range []string{"300", "115200", "0", "exta"} {
			args = append(args, []string{name, v})
		}
	}
	for _, v := range []string{"0", "7", "255", "x", ""} {
		args = append(args, []string{"line", v}, []string{"rows", v}, []string{"cols", v}, []string{"columns", v})
	}
	return args
}

// What stty does to any settings, with each word and value it knows and with several at
// once, is what Stty does; and it refuses what Stty refuses.
func TestTakenAsByStty(t *testing.T) {
	pts := kernelPts(t)
	r := rand.New(rand.NewPCG(7, 8))
	try := func(args []string) {
		t.Helper()
		set(t, pts, plain(r, random(r)))
		old := get(t, pts)
		b := make([]byte, WinsizeSize)
		oldSize := Winsize{Row: 3, Col: 5}
		oldSize.Put(b)
		if err := ioctl(pts, tiocswinsz, b); err != nil {
			t.Fatal(err)
		}
		what := fmt.Sprintf("stty %q on %+v", args, old)
		out, err := stty(t, pts, 80, args...)
		want := get(t, pts)
		// A pty keeps some settings as they must be: then stty, or the C library, finds that it did
		// not get everything.
		refused := err != nil && !strings.Contains(out, "unable to perform all requested operations") &&
			!strings.HasSuffix(out, "'standard input': Invalid argument\n")
		if err := ioctl(pts, tiocgwinsz, b); err != nil {
			t.Fatal(err)
		}
		var wantSize Winsize
		wantSize.Take(b)

		got, size := old, oldSize
		err = got.Stty(&size, args...)
		if (err != nil) != refused {
			t.Fatalf("%s: we say %v, it says %q", what, err, out)
		}
		if refused && (got != old || size != oldSize) {
			t.Fatalf("%s: %v, and it is changed to %+v, %+v", what, err, got, size)
		}
		if got = old.Change(got, Termios{}); got != want || !refused && size != wantSize {
			t.Fatalf("%s:\n got %+v, %+v\nwant %+v, %+v", what, got, size, want, wantSize)
		}
	}
	words := everySetting()
	for _, word := range words {
		try([]string{word})
	}
	for _, args := range everyValue() {
		try(args)
	}
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	for range rounds {
		var args []string
		for range 1 + r.IntN(6) {
			args = append(args, words[r.IntN(len(words))])
		}
		try(args)
	}
	for range 100 {
		saved := plain(r, random(r))
		try([]string{saved.SttySave()})
		try([]string{saved.SttySave() + ":0"})
	}
}
