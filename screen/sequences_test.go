package screen

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pieces are what FuzzSequences makes output of; %d is a small number of the input's.
var pieces = []string{
	"a", "text ", "日", "本語", "e\u0301", "😀", "❤\ufe0f", "\u0301", "é", "\r", "\n", "\r\n", "\b", "\t", "\x0e", "\x0f",
	"the quick brown fox ", "%d", "x\x1b[%d;%dH", "\x1b[%dA", "\x1b[%dB", "\x1b[%dC", "\x1b[%dD", "\x1b[%dE", "\x1b[%dF", "\x1b[%dG", "\x1b[%dd",
	"\x1b[%dJ", "\x1b[%dK", "\x1b[%dX", "\x1b[%d@", "\x1b[%dP", "\x1b[%dL", "\x1b[%dM", "\x1b[%dS", "\x1b[%dT", "\x1b[%dI", "\x1b[%dZ",
	"\x1b[%d;%dr", "\x1b[r", "\x1b[?69h\x1b[%d;%ds", "\x1b[?69h", "\x1b[?69l", "\x1b[?6h", "\x1b[?6l", "\x1b[?7h", "\x1b[?7l", "\x1b[4h", "\x1b[4l",
	"\x1b7", "\x1b8", "\x1b[s", "\x1b[u", "\x1bD", "\x1bE", "\x1bM", "\x1bH", "\x1b[%dg", "\x1b#8", "\x1bc", "\x1b[!p", "\x1b=", "\x1b>",
	"\x1b[?1049h", "\x1b[?1049l", "\x1b[?47h", "\x1b[?47l", "\x1b[?1048h", "\x1b[?1048l", "\x1b[?45h", "\x1b[20h", "\x1b[20l",
	"\x1b(0", "\x1b(B", "\x1b)0", "\x1b*A", "\x1bn", "\x1bN", "lqqk", "#",
	"\x1b[%dm", "\x1b[4%dm", "\x1b[3%dm", "\x1b[38;5;%dm", "\x1b[48;2;%d;2;3m", "\x1b[4:%dm", "\x1b[58:5:%dm", "\x1b[59m", "\x1b[0m", "\x1b[7m", "\x1b[1;3;9m", "\x1b[m",
	"\x1b]8;;http://example.org/%d\x1b\\", "\x1b]8;id=a;http://example.org/\a", "\x1b]8;;\a", "\x1b]0;title %d\a", "\x1b]1;icon\a", "\x1b[22t", "\x1b[23t",
	"\x1b[?100%dh", "\x1b[?1006h", "\x1b[?1003l", "\x1b[?2004h", "\x1b[?25l", "\x1b[?25h", "\x1b[?1h", "\x1b[%d q", "\x1b[>4;%dm", "\x1b[>%du", "\x1b[<u", "\x1b[=%d;1u",
	"\x1b[%d'}", "\x1b[%d'~", "\x1b[3J", "\x1b[2J", "\x1b[K", "\x1b[J", "\x1b[H",
}

// madeOf turns the bytes of a fuzz input into output.
func madeOf(input []byte) []byte {
	var b bytes.Buffer
	for len(input) > 0 {
		piece := pieces[int(input[0])%len(pieces)]
		input = input[1:]
		var n []any
		for range bytes.Count([]byte(piece), []byte("%d")) {
			v := 0
			if len(input) > 0 {
				v, input = int(input[0])%24, input[1:]
			}
			n = append(n, v)
		}
		fmt.Fprintf(&b, piece, n...)
	}
	return b.Bytes()
}

// FuzzSequences makes programs of sequences that all mean something. Beside what FuzzWrite
// holds, a viewer that joins at the cut has the same screen at the end.
func FuzzSequences(f *testing.F) {
	all := make([]byte, len(pieces))
	for i := range all {
		all[i] = byte(i)
	}
	f.Add(all, uint8(8), uint8(20), uint16(40))
	f.Add(bytes.Repeat(all, 3), uint8(3), uint8(5), uint16(200))
	f.Fuzz(func(t *testing.T, input []byte, rows, cols uint8, cut uint16) {
		output := madeOf(input[:min(len(input), 512)])
		r, c := 1+int(rows)%12, 1+int(cols)%30
		verify(t, output, r, c, int(cut))

		at := min(int(cut), len(output))
		s := New(r, c, Options{HistoryBytes: 4096})
		s.Write(output[:at])
		joined := repainted(s)
		s.Write(output[at:])
		joined.Write(output[at:])
		check(t, joined)
		if a, b := lasting(s), lasting(joined); !reflect.DeepEqual(a, b) {
			t.Fatalf("joined behind %q, then %q (-want +got):\n%s", output[:at], output[at:], cmp.Diff(a, b))
		}
	})
}

// lasting is a Snapshot without what Repaint does not carry over: that a line goes on in the
// next is only known when the next is not blank, and combining is by what was printed last.
func lasting(s *Screen) any {
	n := s.Snapshot()
	n.Lines, n.Main = nil, nil
	looks := make([]string, s.rows)
	for y := range looks {
		looks[y] = look(s, y, s.cols)
	}
	return []any{n, looks, s.History()}
}
