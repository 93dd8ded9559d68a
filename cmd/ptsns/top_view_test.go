package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ptsns/ptsns/server"
)

// topSome is a sample with a bit of everything.
func topSome() topSample {
	return topSample{Time: topAfter, Seconds: 2,
		Namespaces: []topNamespace{
			{Name: "vs1", Terminals: 2, Viewers: 3, In: 1, Out: 2000, Lost: 5000, Refused: 1, place: 0},
			{Name: "vs2", Error: "its server does not answer", place: 1}},
		Terminals: []topTerminal{
			{ID: "vs1/0", Foreground: server.Proc{PID: 11, Comm: "e\x1bvil\n"}, Opener: server.Proc{PID: 10, Comm: "ptsns"}, In: 1, Viewers: 3, Rows: 24, Cols: 80, place: 0},
			{ID: "vs1/1", Out: 2000, Lost: 5000, Rows: 50, Cols: 132, Title: "日本語 \u202etitle\x07", place: 1}}}
}

// text is a frame as one reads it, with a mark before what is selected.
func text(frame []topLine) string {
	var b strings.Builder
	for _, l := range frame {
		if l.look == lookReverse {
			b.WriteString(">")
		}
		b.WriteString(strings.TrimRight(l.text, " ") + "\n")
	}
	return b.String()
}

func TestTopFrame(t *testing.T) {
	v := topView{every: time.Second, order: topOrders[0]}
	if got, want := text(v.frame(4, 100)), "ptsns top\n\nasking the servers ...\nq quit  enter join  r read only  ? help  sorted by bytes/s (b i o v l n)  every 1s\n"; got != want {
		t.Errorf("before there is anything: %q, want %q", got, want)
	}
	v.update(topSome())
	const whole = `ptsns top  12:00:02  2 namespaces  2 terminals  3 viewers  in 1/s  out 2.0K/s
NAMESPACE  TERMINALS  VIEWERS  IN/s  OUT/s  LOST  REFUSED
vs1                2        3     1   2.0K  4.9K        1
vs2                -        -     -      -     -        -  its server does not answer

TERMINAL  FOREGROUND  OPENER     IN/s  OUT/s  VIEWERS  LOST    SIZE  TITLE
vs1/1     -           -             0   2.0K        0  4.9K  50x132  日本語 ?title?
>vs1/0     e?vil?(11)  ptsns(10)     1      0        3     0   24x80

q quit  enter join  r read only  ? help  sorted by bytes/s (b i o v l n)  every 1s
`
	v.key(keyDown)
	v.key(keyDown)
	if diff := cmp.Diff(whole, text(v.frame(10, 100))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s := v.sample; text(v.frame(10, 100)) == "" || s.Terminals[0].ID != "vs1/1" {
		t.Errorf("sorted %+v", s.Terminals)
	}

	v.sample.Seconds = 0
	if got := text(v.frame(10, 100)); !strings.Contains(got, "in -/s  out -/s\n") {
		t.Errorf("without rates:\n%s", got)
	}
	v.update(topSample{Time: topAfter})
	if got := text(v.frame(5, 100)); !strings.Contains(got, "0 namespaces  0 terminals  0 viewers") || !strings.Contains(got, "no terminals; ") {
		t.Errorf("without terminals:\n%s", got)
	}
}

// A frame fits into every window, and nothing in it could do anything to a terminal.
func TestTopFrameFits(t *testing.T) {
	v := topView{every: time.Second, order: topOrders[0]}
	s := topSome()
	for i := range 40 {
		s.Terminals = append(s.Terminals, topTerminal{ID: fmt.Sprintf("vs1/%d", i+2), Title: strings.Repeat("語", i), place: i + 2})
		s.Namespaces = append(s.Namespaces, topNamespace{Name: fmt.Sprintf("ns%d", i), place: i + 2})
	}
	v.update(s)
	for _, help := range []bool{false, true} {
		for rows := range 30 {
			for cols := range 110 {
				v.help = help
				frame := v.frame(rows, cols)
				if cols > 0 && len(frame) != rows {
					t.Fatalf("%dx%d: %d lines", rows, cols, len(frame))
				}
				for _, l := range frame {
					if w := topWidths.StringWidth(l.text); w > cols || printable(l.text) != l.text {
						t.Fatalf("%dx%d: %d columns: %q", rows, cols, w, l.text)
					}
				}
				v.key(keyDown)
			}
		}
	}
}

// The list scrolls to the selected terminal, which stays selected wherever it goes.
func TestTopSelect(t *testing.T) {
	v := topView{every: time.Second, order: topOrders[0]}
	sample := func(n int, out ...int) topSample {
		s := topSample{Time: topAfter, Seconds: 1}
		for i := range n {
			s.Terminals = append(s.Terminals, topTerminal{ID: fmt.Sprint("t", i), place: i})
		}
		for k, i := range out {
			s.Terminals[i].Out = float64(len(out) - k)
		}
		return s
	}
	shown := func() string { // 4 terminals
		var ids []string
		for _, l := range strings.Split(text(v.frame(8, 80)), "\n")[3:7] {
			ids = append(ids, strings.Fields(l)[0])
		}
		return strings.Join(ids, " ")
	}
	v.update(sample(6))
	steps := []struct {
		name string
		do   func()
		want string
	}{
		{"none", func() {}, "t0 t1 t2 t3"},
		{"the first key", func() { v.key(keyDown) }, ">t0 t1 t2 t3"},
		{"up at the top", func() { v.key(keyUp) }, ">t0 t1 t2 t3"},
		{"down", func() { v.key("j") }, "t0 >t1 t2 t3"},
		{"a page", func() { v.key(keyPageDown) }, "t2 t3 t4 >t5"},
		{"down at the end", func() { v.key("j") }, "t2 t3 t4 >t5"},
		{"it gets busy", func() { v.update(sample(6, 5)) }, ">t5 t0 t1 t2"},
		{"two are busier", func() { v.update(sample(6, 1, 2, 5)) }, "t1 t2 >t5 t0"},
		{"by name", func() { v.key("n") }, "t2 t3 t4 >t5"},
		{"it ends", func() { v.update(sample(4)) }, "t0 t1 t2 >t3"},
		{"home", func() { v.key(keyHome) }, ">t0 t1 t2 t3"},
		{"end", func() { v.key("G") }, "t0 t1 t2 >t3"},
		{"escape", func() { v.key(keyEscape) }, "t0 t1 t2 t3"},
	}
	for _, s := range steps {
		s.do()
		if got := shown(); got != s.want {
			t.Errorf("%s: %q, want %q", s.name, got, s.want)
		}
	}
}

func TestTopActions(t *testing.T) {
	v := topView{order: topOrders[0]}
	v.update(topSome())
	steps := []struct {
		key  topKey
		want topAction
	}{
		{keyEnter, topNothing}, {"r", topNothing}, {keyDown, topNothing}, {keyEnter, topJoin}, {"r", topJoinReadOnly},
		{"?", topNothing}, {keyEnter, topNothing}, {keyEnter, topJoin}, {"?", topNothing}, {"q", topQuit}, {"q", topQuit},
		{keyInterrupt, topQuit}, {"z", topNothing}, {"i", topNothing},
	}
	for i, s := range steps {
		if got := v.key(s.key); got != s.want {
			t.Errorf("step %d, %s: %v, want %v", i, s.key, got, s.want)
		}
		if asks := strings.Contains(v.footer(), "no terminal is selected"); asks != (i < 2) {
			t.Errorf("step %d, %s: the footer is %q", i, s.key, v.footer())
		}
	}
	if v.order.key != 'i' || v.sample.Terminals[0].ID != "vs1/0" {
		t.Errorf("by %s: %+v", v.order.name, v.sample.Terminals)
	}
}

func TestPaintTop(t *testing.T) {
	got := paintTop([]topLine{{"a", lookBold}, {"b", ""}, {"", ""}})
	if want := "\x1b[H\x1b[K\x1b[1ma\x1b[0m\r\n\x1b[Kb\r\n\x1b[K"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTail(t *testing.T) {
	var said tail
	if said.last() != "" {
		t.Error("it says something of itself")
	}
	for i := range 5000 {
		if _, err := fmt.Fprintf(&said, "line %d\n\n", i); err != nil {
			t.Fatal(err)
		}
	}
	if got := said.last(); got != "line 4999" || len(said.kept) > maxTail {
		t.Errorf("%q, %d bytes", got, len(said.kept))
	}
}
