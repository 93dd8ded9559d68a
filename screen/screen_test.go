package screen

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// text is the screen after some output, on 4 by 10.
func TestText(t *testing.T) {
	for _, c := range []struct{ name, output, want string }{
		{"lines", "one\r\ntwo", "one\ntwo"},
		{"wrap", "0123456789abc", "0123456789\nabc"},
		{"wrap waits", "0123456789\r\nx", "0123456789\nx"},
		{"no wrap", "\x1b[?7l0123456789abc", "012345678c"},
		{"scroll", "1\r\n2\r\n3\r\n4\r\n5", "2\n3\n4\n5"},
		{"margins", "1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\n", "1\n3\n\n4"},
		{"left and right margins", "abcdef\r\nghijkl\x1b[?69h\x1b[2;4s\x1b[2;2H\x1b[S", "ahijef\ng   kl"},
		{"origin", "\x1b[2;3r\x1b[?6h\x1b[1;1Hx\x1b[9;1Hy", "\nx\ny"},
		{"insert", "abc\x1b[4h\x1b[1;2Hxy", "axybc"},
		{"insert and delete characters", "abcdef\x1b[1;2H\x1b[2@\x1b[1;6H\x1b[2P", "a  bcf"},
		{"insert and delete lines", "1\r\n2\r\n3\x1b[1;1H\x1b[L\x1b[3;1H\x1b[M", "\n1\n3"},
		{"erase", "abcdef\x1b[1;3H\x1b[K\r\nabcdef\x1b[3D\x1b[1K", "ab\n    ef"},
		{"erase characters", "abcdef\x1b[1;2H\x1b[2X", "a  def"},
		{"tabs", "\tx\r\n\x1b[1;4H\x1bH\x1b[2;1H\ty", "        x\n   y"},
		{"graphics", "\x1b(0lqk\x1b(B\x0e\x1b)0x\x0fx", "┌─┐│x"},
		{"wide", "日本語日本語", "日本語日本\n語"},
		{"wide at the edge", "012345678日", "012345678\n日"},
		{"half of a wide one", "日本\x1b[1;2Hx", " x本"},
		{"combining", "e\u0301x", "e\u0301x"},
		{"combining at the edge", "012345678e\u0301x", "012345678e\u0301\nx"},
		{"combining without a base", "\u0301x", "x"},
		{"family", "👨\u200d👩\u200d👧x", "👨\u200d👩\u200d👧x"},
		{"flags", "🇩🇪🇯🇵x", "🇩🇪🇯🇵x"},
		{"repeat", "ab\x1b[3b", "abbbb"},
		{"alternate", "main\x1b[?1049halt", "    alt"},
		{"alternate left", "main\x1b[?1049halt\x1b[?1049lx", "mainx"},
		{"C1", "a\u009b2Cb", "a  b"},
		{"bare C1 bytes", "a\x9bb", "a\ufffdb"},
		{"cut short", "a\xe6\x9cb", "a\ufffd\ufffdb"},
		{"cancelled", "\x1b[3\x18x", "x"},
		{"strings", "a\x1bPq1;2\x1b\\b\x1b_G\x1b\\c\x1b]52;c;?\ad\x1bXe\x1b\\", "abcd"},
		{"a control in a sequence", "ab\x1b[\r2Cc", "abc"},
		{"erase behind a full line", "0123456789\x1b[Kx", "0123456789\nx"},
		{"DECALN", "\x1b#8\x1b[2;1H\x1b[J", "EEEEEEEEEE"},
		{"reset", "abc\x1b[?1049hx\x1bcy", "y"},
	} {
		s := New(4, 10, Options{})
		s.Write([]byte(c.output))
		check(t, s)
		if got := s.Text(); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
		same(t, c.name, s, repainted(s))
	}
}

func TestStyles(t *testing.T) {
	for output, want := range map[string]Style{
		"\x1b[31;42m":                         {Fg: "1", Bg: "2"},
		"\x1b[91;107m":                        {Fg: "9", Bg: "15"},
		"\x1b[38;5;208;48;5;17m":              {Fg: "208", Bg: "17"},
		"\x1b[38;2;1;2;3;48;2;255;0;16m":      {Fg: "#010203", Bg: "#ff0010"},
		"\x1b[38:2::1:2:3;48:2:4:5:6m":        {Fg: "#010203", Bg: "#040506"},
		"\x1b[38:5:9m":                        {Fg: "9"},
		"\x1b[1;2;3;5;7;8;9;53m":              {Attrs: []string{"bold", "faint", "italic", "blink", "inverse", "hidden", "strike", "overline"}},
		"\x1b[1;3;4m\x1b[22;24m":              {Attrs: []string{"italic"}},
		"\x1b[4:3;58:2::1:2:3m":               {Attrs: []string{"curly-underline"}, UnderlineColor: "#010203"},
		"\x1b[4:3;58;5;9m\x1b[4:0m":           {UnderlineColor: "9"},
		"\x1b[21m":                            {Attrs: []string{"double-underline"}},
		"\x1b[31m\x1b[m":                      {},
		"\x1b[38;5m\x1b[38;2;1m":              {},
		"\x1b[38;5;300;1m":                    {Attrs: []string{"bold"}},
		"\x1b]8;id=7;http://x/\x1b\\\x1b[0m":  {Link: "http://x/", LinkID: "7"},
		"\x1b]8;;http://x/\a\x1b]8;;\a\x1b[m": {},
	} {
		s := New(2, 10, Options{})
		s.Write([]byte(output + "x"))
		want := want
		got := s.Snapshot()
		if diff := cmp.Diff(want, got.Pen); diff != "" {
			t.Errorf("%q (-want +got):\n%s", output, diff)
		}
		if len(got.Lines[0].Spans) > 0 && !cmp.Equal(got.Lines[0].Spans[0].Style, want) {
			t.Errorf("%q: cell %+v", output, got.Lines[0].Spans[0])
		}
		same(t, output, s, repainted(s))
	}
}

func TestModes(t *testing.T) {
	for output, want := range map[string][]string{
		"":                                  {"autowrap"},
		"\x1b[?2004h\x1b[?1h\x1b=":          {"autowrap", "application-cursor", "application-keypad", "bracketed-paste"},
		"\x1b[?1000h\x1b[?1002h\x1b[?1006h": {"autowrap", "mouse-1002", "mouse-1006"},
		"\x1b[?1003;1006h\x1b[?1000l":       {"autowrap", "mouse-1006"},
		"\x1b[?1004h\x1b[?1004s":            {"autowrap", "focus-reports"},
		"\x1b[?1004h\x1b[?1004s\x1b[?1004l\x1b[?1004r": {"autowrap", "focus-reports"},
		"\x1b[?7l\x1b[4h\x1b[?6h":                      {"insert", "origin"},
		"\x1b[?2026h":                                  {"autowrap"},
		"\x1b[?2004h\x1bc":                             {"autowrap"},
	} {
		s := New(4, 10, Options{})
		s.Write([]byte(output))
		if diff := cmp.Diff(want, s.Snapshot().Modes); diff != "" {
			t.Errorf("%q (-want +got):\n%s", output, diff)
		}
		same(t, output, s, repainted(s))
	}
}

// A repaint undoes what the viewer's terminal was left with.
func TestRepaintOverAnything(t *testing.T) {
	s := New(5, 20, Options{})
	s.Write([]byte("hello\x1b[2;3H\x1b[32m"))
	viewer := New(5, 20, Options{})
	viewer.Write([]byte("junk\x1b[?1049h\x1b[41mjunk\x1b[2;3r\x1b[?69h\x1b[2;5s\x1b[?6h\x1b[?1;5;2004;1003;1006;1004h\x1b[?7l\x1b[4h" +
		"\x1b[20h\x1b(0\x0e\x1b]8;;http://x/\a\x1b]0;junk\a\x1b[3 q\x1b[>4;2m\x1b=\x1b7\x1b[?25l"))
	viewer.Write(s.Repaint(5, 20, false))
	same(t, "repaint", s, viewer)
	if strings.Count(string(s.Repaint(5, 20, true)), "\x1b[?2026l") != 1 {
		t.Error("the synchronized update does not end")
	}
}

func TestRepaintElsewhere(t *testing.T) {
	s := New(6, 20, Options{})
	s.Write([]byte("first\r\n\x1b[44m日本語日本語日本語日\x1b[m\r\nthree\r\nfour\r\nfive\r\nsix"))
	for _, c := range []struct {
		rows, cols int
		want       string
	}{
		{8, 30, "first               │\n日本語日本語日本語日│\nthree               │\nfour                │\n" +
			"five                │\nsix                 │\n────────────────────┘"},
		{7, 20, "first\n日本語日本語日本語日\nthree\nfour\nfive\nsix\n────────────────────"},
		{6, 21, "first               │\n日本語日本語日本語日│\nthree               │\nfour                │\n" +
			"five                │\nsix                 │"},
		{6, 9, "first\n日本語日\nthree\nfour\nfive\nsix"}, // half of the fifth is blank
		{3, 20, "four\nfive\nsix"},
		{1, 2, "x"},
	} {
		v := New(c.rows, c.cols, Options{})
		v.Write(s.Repaint(c.rows, c.cols, true))
		check(t, v)
		if got := v.Text(); got != c.want {
			t.Errorf("%dx%d: got\n%s\nwant\n%s", c.rows, c.cols, got, c.want)
		}
	}
}

func TestHistory(t *testing.T) {
	s := New(2, 10, Options{})
	s.Write([]byte("\x1b[31mred\x1b[m\r\n0123456789wrapped\r\n日本\r\nx\r\ny"))
	want := []string{"red", "0123456789", "wrapped", "日本"}
	if diff := cmp.Diff(want, s.History()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, size := range [][2]int{{2, 10}, {4, 10}, {3, 20}} { // pushed out at the top of viewers of any size
		v := New(size[0], size[1], Options{})
		v.Write(s.Repaint(size[0], size[1], true))
		if diff := cmp.Diff(want, v.History()); diff != "" {
			t.Errorf("%v (-want +got):\n%s", size, diff)
		}
	}
	s.Write([]byte("\x1b[?1049h\r\n\r\n\r\n"))
	if n := len(s.History()); n != 4 {
		t.Errorf("the alternate screen scrolled into the history: %d lines", n)
	}
	s.Write([]byte("\x1b[3J"))
	if n := len(s.History()); n != 0 {
		t.Errorf("%d lines after ED 3", n)
	}
	small := New(2, 10, Options{HistoryBytes: 100})
	none := New(2, 10, Options{HistoryBytes: -1})
	for range 100 {
		small.Write([]byte("line\r\n"))
		none.Write([]byte("line\r\n"))
	}
	check(t, small)
	if n := len(small.History()); n != 10 {
		t.Errorf("%d lines of 10 bytes in 100", n)
	}
	if n := len(none.History()); n != 0 {
		t.Errorf("%d lines without a history", n)
	}
}

func TestResize(t *testing.T) {
	s := New(4, 10, Options{})
	s.Write([]byte("1\r\n2\r\n3\r\n日本語日本"))
	s.Resize(2, 9)
	check(t, s)
	if got, want := s.Text(), "3\n日本語日"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"1", "2"}, s.History()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.Resize(4, 10)
	if got, want := s.Text(), "3\n日本語日"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSnapshotJSON(t *testing.T) {
	s := New(2, 10, Options{})
	s.Write([]byte("\x1b]0;t\aa\x1b[1mb"))
	b, err := json.Marshal(s.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"rows":2,"cols":10,"lines":[{"text":"ab","spans":[{"col":0,"cols":1,"text":"a","style":{}},` +
		`{"col":1,"cols":1,"text":"b","style":{"attrs":["bold"]}}]},{"text":""}],"alternate":false,` +
		`"cursor":{"row":0,"col":2,"visible":true,"shape":0},"title":"t","icon":"t","modes":["autowrap"],` +
		`"margins":{"top":0,"bottom":1,"left":0,"right":9},"pen":{"attrs":["bold"]},"charsets":"BBBB0",` +
		`"saved":{"row":0,"col":0,"pen":{},"charsets":"BBBB0"},"history":0}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}

// Terminals leave out sequences with many parameters, tmux those of more than 64 bytes.
func TestRepaintSequencesAreShort(t *testing.T) {
	s := New(5, 20, Options{})
	s.Write([]byte("\x1b[?1;5;12h\x1b[?45;66;1004;1007h\x1b[?2004;2027;2031;2048;1003;1006h"))
	var p parser
	for b := s.Repaint(5, 20, false); len(b) > 0; {
		n, a := p.next(b)
		b = b[n:]
		if params := len(p.appendParams(nil)); a == actCSI && (params > 63 || p.count() > 16) {
			t.Errorf("%d parameters of %d bytes before %c", p.count(), params, p.final)
		}
	}
}
