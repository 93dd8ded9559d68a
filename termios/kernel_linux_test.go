package termios

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

func TestDefaultIsTheKernels(t *testing.T) {
	if got, want := Default(), get(t, kernelPts(t)); got != want {
		t.Errorf("Default is %+v, a fresh pts has %+v", got, want)
	}
}

// Any settings, in any structure, on top of any others: what the kernel then tells, in
// every structure, is what Change makes and Put writes.
func TestChangeIsTheKernels(t *testing.T) {
	pts := kernelPts(t)
	forms := []struct {
		form     Form
		get, set uintptr
	}{{Struct, tcgets, tcsets}, {Struct2, tcgets2, tcsets2}, {Termio, tcgeta, tcseta}}
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 20000 {
		old, f := get(t, pts), forms[r.IntN(len(forms))]
		asked := random(r)
		b := make([]byte, f.form.Size())
		f.form.Put(b, &asked)
		if err := ioctl(pts, f.set, b); err != nil {
			t.Fatal(err)
		}
		want := old
		f.form.Take(b, &want)
		got := get(t, pts)
		if want = old.Change(want, Termios{}); got != want {
			t.Fatalf("round %d, form %d, %+v asked for after %+v:\n got %+v\nwant %+v", round, f.form, asked, old, got, want)
		}
		for _, f := range forms {
			kernels, ours := make([]byte, f.form.Size()), bytes.Repeat([]byte{0xee}, f.form.Size())
			if err := ioctl(pts, f.get, kernels); err != nil {
				t.Fatal(err)
			}
			if f.form.Put(ours, &got); !bytes.Equal(ours, kernels) {
				t.Fatalf("form %d of %+v:\n got %x\nwant %x", f.form, got, ours, kernels)
			}
		}
	}
}

func TestLockedIsTheKernels(t *testing.T) {
	if os.Getuid() != 0 && os.Getenv("PTSNS_REQUIRE") == "" {
		t.Skip("locking termios takes CAP_SYS_ADMIN")
	}
	pts := kernelPts(t)
	r := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		locked, asked, old := random(r), random(r), get(t, pts)
		b := make([]byte, Struct.Size())
		Struct.Put(b, &locked)
		if err := ioctl(pts, tiocslcktrmios, b); err != nil {
			t.Fatal(err)
		}
		set(t, pts, asked)
		if got, want := old.Change(asked, locked), get(t, pts); got != want {
			t.Fatalf("%+v asked for after %+v with %+v locked:\n got %+v\nwant %+v", asked, old, locked, got, want)
		}
		kernels := slices.Repeat([]byte{0xee}, Struct.Size())
		if err := ioctl(pts, tiocglcktrmios, kernels); err != nil || !bytes.Equal(kernels, b) {
			t.Fatalf("locked is %x, want %x, %v", kernels, b, err)
		}
	}
}

func TestWinsizeIsTheKernels(t *testing.T) {
	pts := kernelPts(t)
	b, want := make([]byte, WinsizeSize), Winsize{Row: 0x102, Col: 0x304, Xpixel: 0x506, Ypixel: 0x708}
	if want.Put(b) != WinsizeSize {
		t.Fatal("it does not fit")
	}
	if err := ioctl(pts, tiocswinsz, b); err != nil {
		t.Fatal(err)
	}
	clear(b)
	if err := ioctl(pts, tiocgwinsz, b); err != nil {
		t.Fatal(err)
	}
	var got Winsize
	if !got.Take(b) || got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
