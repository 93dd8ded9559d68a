package ldisc

import (
	"math/rand/v2"
	"testing"

	tm "github.com/ptsns/ptsns/termios"
)

// Words tell the same of bytes as the bytes one by one, wherever these stand.
func TestOrdinaryIsThatOfTheTable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	few := []byte{0, 3, '\t', '\n', '\r', 0x1f, 0x20, 'x', '~', 0x7f, 0x80, 0x81, 0x8a, 0x9f, 0xff}
	for name, set := range map[string]func(*tm.Termios){
		"fresh": fresh, "silent": silent, "utf8": utf8, "raw echo": rawEcho,
		"INLCR":     func(t *tm.Termios) { t.Iflag |= tm.INLCR },
		"VEOL is x": func(t *tm.Termios) { t.Cc[tm.VEOL] = 'x' },
	} {
		s := tm.Default()
		set(&s)
		tab := tableFor(&s)
		for range 20000 {
			p := make([]byte, r.IntN(80))
			for i := range p {
				switch r.IntN(12) {
				case 0:
					p[i] = few[r.IntN(len(few))]
				case 1:
					p[i] = '\n'
				default:
					p[i] = 'a' + byte(i%20)
				}
			}
			want := 0
			for want < len(p) && tab.class[p[want]]&classSlow == 0 {
				want++
			}
			if got := tab.ordinary(p); got != want {
				t.Fatalf("%s: %d bytes of %q are ordinary, want %d", name, got, p, want)
			}
			want = 0
			for want < len(p) && p[want] >= 0x20 && p[want] < 0x7f {
				want++
			}
			if want = len(p[:want]) / 8 * 8; printing(p) != want {
				t.Fatalf("%d bytes of %q are printing, want %d", printing(p), p, want)
			}
		}
	}
}
