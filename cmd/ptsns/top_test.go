package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/server"
)

// The moments of the tests: what is made, then looked at twice.
var (
	topMade   = time.Date(2026, 5, 1, 11, 0, 0, 0, time.UTC)
	topBefore = topMade.Add(time.Hour)
	topAfter  = topBefore.Add(2 * time.Second)
)

// topNS is a namespace with so many bytes that have gone in and out, and terminals.
func topNS(name string, in, out uint64, terminals ...server.Terminal) parent.Listed {
	for i := range terminals {
		terminals[i].ID = fmt.Sprintf("%s/%d", name, terminals[i].Index)
	}
	return parent.Listed{State: server.State{Name: name, Created: topMade, BytesIn: in, BytesOut: out, Terminals: terminals}}
}

// topTerm is a terminal with so many bytes that have gone in and out.
func topTerm(index int, in, out uint64) server.Terminal {
	return server.Terminal{Index: index, Created: topMade, BytesIn: in, BytesOut: out}
}

func TestTopRates(t *testing.T) {
	later := func(t server.Terminal) server.Terminal {
		t.Created = topBefore.Add(time.Second)
		return t
	}
	failed := parent.Listed{State: server.State{Name: "vs1"}, Error: "its server does not answer"}
	young := topNS("vs1", 6, 8)
	young.Created = topAfter
	tests := []struct {
		name                 string
		before, after        []parent.Listed
		namespaces, terminal string // in and out of each
	}{
		{"nothing", nil, nil, "", ""},
		{"idle", []parent.Listed{topNS("vs1", 5, 7, topTerm(0, 5, 7))}, []parent.Listed{topNS("vs1", 5, 7, topTerm(0, 5, 7))}, "vs1 0 0", "vs1/0 0 0"},
		{"busy", []parent.Listed{topNS("vs1", 5, 7, topTerm(0, 5, 7), topTerm(1, 0, 0))},
			[]parent.Listed{topNS("vs1", 15, 8, topTerm(0, 9, 7), topTerm(1, 6, 1))}, "vs1 5 0.5", "vs1/0 2 0, vs1/1 3 0.5"},
		{"a terminal has come", []parent.Listed{topNS("vs1", 5, 7)}, []parent.Listed{topNS("vs1", 9, 8, later(topTerm(0, 4, 1)))},
			"vs1 2 0.5", "vs1/0 2 0.5"},
		{"a terminal has gone", []parent.Listed{topNS("vs1", 5, 7, topTerm(0, 5, 7))}, []parent.Listed{topNS("vs1", 9, 8)}, "vs1 2 0.5", ""},
		{"another of the same index", []parent.Listed{topNS("vs1", 5, 7, topTerm(0, 5, 7))},
			[]parent.Listed{topNS("vs1", 13, 10, later(topTerm(0, 8, 2)))}, "vs1 4 1.5", "vs1/0 4 1"},
		{"another of the same name", []parent.Listed{topNS("vs1", 500, 700)}, []parent.Listed{young}, "vs1 3 4", ""},
		{"the first look at what is old", nil, []parent.Listed{topNS("vs1", 500, 700, topTerm(0, 500, 700))}, "vs1 0 0", "vs1/0 0 0"},
		{"a server that did not answer", []parent.Listed{failed}, []parent.Listed{topNS("vs1", 500, 700, topTerm(0, 500, 700))}, "vs1 0 0", "vs1/0 0 0"},
		{"a server that does not answer", []parent.Listed{topNS("vs1", 500, 700, topTerm(0, 500, 700))}, []parent.Listed{failed}, "vs1 0 0", ""},
		{"counters that go back", []parent.Listed{topNS("vs1", 500, 700)}, []parent.Listed{topNS("vs1", 1, 701)}, "vs1 0 0", ""},
	}
	for _, tt := range tests {
		s := newTopSample(topState{topBefore, tt.before}, topState{topAfter, tt.after})
		var namespaces, terminals []string
		for _, n := range s.Namespaces {
			namespaces = append(namespaces, fmt.Sprint(n.Name, " ", n.In, " ", n.Out))
		}
		for _, x := range s.Terminals {
			terminals = append(terminals, fmt.Sprint(x.ID, " ", x.In, " ", x.Out))
		}
		if got := strings.Join(namespaces, ", "); got != tt.namespaces {
			t.Errorf("%s: namespaces %q, want %q", tt.name, got, tt.namespaces)
		}
		if got := strings.Join(terminals, ", "); got != tt.terminal {
			t.Errorf("%s: terminals %q, want %q", tt.name, got, tt.terminal)
		}
		if s.Seconds != 2 {
			t.Errorf("%s: %v seconds", tt.name, s.Seconds)
		}
	}
	if s := newTopSample(topState{}, topState{topAfter, []parent.Listed{topNS("vs1", 500, 700, topTerm(0, 500, 700))}}); s.Seconds != 0 || s.Terminals[0].In != 0 {
		t.Errorf("without a first look: %+v", s)
	}
}

// The names in --json are for programs and do not change.
func TestTopJSON(t *testing.T) {
	x := topTerm(3, 20, 4)
	x.Foreground, x.Title, x.Rows, x.Cols = server.Proc{PID: 7, Comm: "vim"}, "notes", 24, 80
	x.Viewers, x.BytesLost = []hub.ViewerInfo{{}, {}}, 9
	after := topNS("vs1", 20, 4, x)
	after.Refused, after.BytesLost = 2, 9
	s := newTopSample(topState{topBefore, []parent.Listed{topNS("vs1", 0, 0, topTerm(3, 0, 0))}}, topState{topAfter, []parent.Listed{after}})
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"time": "2026-05-01T12:00:02Z", "seconds": 2.0,
		"namespaces": []any{map[string]any{"name": "vs1", "terminals": 1.0, "viewers": 2.0, "in_bytes_per_second": 10.0, "out_bytes_per_second": 2.0,
			"bytes_lost": 9.0, "refused": 2.0}},
		"terminals": []any{map[string]any{"id": "vs1/3", "foreground": map[string]any{"pid": 7.0, "comm": "vim"}, "opener": map[string]any{"pid": 0.0, "comm": ""},
			"in_bytes_per_second": 10.0, "out_bytes_per_second": 2.0, "viewers": 2.0, "bytes_lost": 9.0, "rows": 24.0, "cols": 80.0, "title": "notes"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if b, err := json.Marshal(newTopSample(topState{}, topState{})); err != nil || !strings.HasSuffix(string(b), `"namespaces":[],"terminals":[]}`) {
		t.Errorf("%s, %v", b, err)
	}
}

func TestTopOrders(t *testing.T) {
	s := topSample{Terminals: []topTerminal{
		{ID: "a", In: 1, Out: 5, Viewers: 0, Lost: 3, place: 0},
		{ID: "b", In: 9, Out: 0, Viewers: 2, Lost: 3, place: 1},
		{ID: "c", In: 0, Out: 0, Viewers: 2, Lost: 0, place: 2},
		{ID: "d", In: 0, Out: 8, Viewers: 1, Lost: 7, place: 3},
	}, Namespaces: []topNamespace{{Name: "x", place: 0}, {Name: "y", Out: 1, place: 1}, {Name: "z", place: 2}}}
	for key, want := range map[byte]string{'b': "bdac", 'i': "bacd", 'o': "dabc", 'v': "bcda", 'l': "dabc", 'n': "abcd"} {
		o := topOrders[slices.IndexFunc(topOrders, func(o topOrder) bool { return o.key == key })]
		s.sort(o)
		got := ""
		for _, x := range s.Terminals {
			got += x.ID
		}
		if got != want {
			t.Errorf("by %s: %s, want %s", o.name, got, want)
		}
		if got := s.Namespaces[0].Name + s.Namespaces[1].Name + s.Namespaces[2].Name; got != "yxz" {
			t.Errorf("by %s: namespaces %s", o.name, got)
		}
	}
}

func TestAmount(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.4: "0", 17: "17", 999: "999", 999.6: "1.0K", 1000: "1.0K", 1024: "1.0K", 1536: "1.5K",
		10 << 10: "10K", 999 << 10: "999K", 1023 << 10: "1.0M", 5 << 20: "5.0M", 1 << 60: "1.0E", 1 << 63: "8.0E"} {
		if got := amount(v); got != want {
			t.Errorf("amount(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	tests := []struct {
		s     string
		width int
		want  string
	}{
		{"abc", -1, "abc"}, {"abc", 3, "abc"}, {"abc", 2, "a>"}, {"abc", 1, ">"}, {"abc", 0, ""}, {"", 0, ""},
		{"日本語", 6, "日本語"}, {"日本語", 5, "日本>"}, {"日本語", 4, "日>"}, {"日本語", 2, ">"}, {"e\u0301e", 2, "e\u0301e"},
	}
	for _, tt := range tests {
		if got := cut(tt.s, tt.width); got != tt.want {
			t.Errorf("cut(%q, %d) = %q, want %q", tt.s, tt.width, got, tt.want)
		}
	}
}

func TestParseTopKeys(t *testing.T) {
	tests := []struct {
		typed string
		want  []topKey
	}{
		{"q", []topKey{"q"}}, {"\x03", []topKey{keyInterrupt}}, {"\r", []topKey{keyEnter}}, {"\n", []topKey{keyEnter}},
		{"\x1b[A\x1bOB", []topKey{keyUp, keyDown}}, {"\x1b[5~\x1b[6~j", []topKey{keyPageUp, keyPageDown, "j"}},
		{"\x1b[H\x1b[4~", []topKey{keyHome, keyEnd}}, {"\x1b", []topKey{keyEscape}}, {"\x1b\x1b", []topKey{keyEscape, keyEscape}},
		{"\x1b[1;5Cq", []topKey{"q"}}, {"\x1b[", nil}, {"\x1b[1", nil}, {"\x1bq", []topKey{keyEscape, "q"}}, {"", nil},
		{"\x1b[200~q", []topKey{"q"}}, {"\xff", []topKey{"\xff"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, parseTopKeys([]byte(tt.typed)), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.typed, diff)
		}
	}
}

func FuzzParseTopKeys(f *testing.F) {
	f.Add([]byte("\x1b[1;5Cq\x1bO"))
	f.Fuzz(func(t *testing.T, p []byte) {
		if keys := parseTopKeys(p); len(keys) > len(p) {
			t.Errorf("%d keys out of %q", len(keys), p)
		}
	})
}
