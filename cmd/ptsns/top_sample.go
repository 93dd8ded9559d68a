package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/server"
)

// topState is what the servers told at one moment.
type topState struct {
	at   time.Time // with the monotonic clock
	list []parent.Listed
}

// topSample is what happened between two moments, and what is at the second of them. Its
// form in JSON does not change.
type topSample struct {
	Time       time.Time      `json:"time"`
	Seconds    float64        `json:"seconds"` // since the first moment; 0 when there was none
	Namespaces []topNamespace `json:"namespaces"`
	Terminals  []topTerminal  `json:"terminals"`
}

// topNamespace is one namespace in a topSample.
type topNamespace struct {
	Name      string  `json:"name"`
	Error     string  `json:"error,omitempty"` // why all but the name is missing
	Terminals int     `json:"terminals"`
	Viewers   int     `json:"viewers"`
	In        float64 `json:"in_bytes_per_second"` // of terminals that have ended meanwhile, too
	Out       float64 `json:"out_bytes_per_second"`
	Lost      uint64  `json:"bytes_lost"` // since it was made
	Refused   uint64  `json:"refused"`    // likewise

	place int // by name
}

// topTerminal is one terminal in a topSample.
type topTerminal struct {
	ID         string      `json:"id"`
	Serial     string      `json:"serial,omitempty"` // as in ls --json
	Foreground server.Proc `json:"foreground"`
	Opener     server.Proc `json:"opener"`
	In         float64     `json:"in_bytes_per_second"`
	Out        float64     `json:"out_bytes_per_second"`
	Viewers    int         `json:"viewers"`
	Lost       uint64      `json:"bytes_lost"` // since it was opened
	Rows       int         `json:"rows"`
	Cols       int         `json:"cols"`
	Title      string      `json:"title"`

	place int // by name
}

// counted is what rates are made of.
type counted struct {
	in, out uint64
	created time.Time
}

// newTopSample compares two states. Terminals and namespaces are sorted by name.
func newTopSample(before, after topState) topSample {
	s := topSample{Time: after.at, Namespaces: []topNamespace{}, Terminals: []topTerminal{}}
	if !before.at.IsZero() {
		s.Seconds = after.at.Sub(before.at).Seconds()
	}
	namespaces, terminals := before.counts()
	for _, ns := range after.list {
		n := topNamespace{Name: ns.Name, Error: ns.Error, Terminals: len(ns.Terminals), Lost: ns.BytesLost, Refused: ns.Refused,
			place: len(s.Namespaces)}
		n.In, n.Out = s.rates(namespaces[ns.Name], counted{ns.BytesIn, ns.BytesOut, ns.Created}, before.at)
		for _, t := range ns.Terminals {
			n.Viewers += len(t.Viewers)
			row := topTerminal{ID: t.ID, Serial: t.Serial, Foreground: t.Foreground, Opener: t.Opener, Viewers: len(t.Viewers),
				Lost: t.BytesLost, Rows: t.Rows, Cols: t.Cols, Title: t.Title,
				place: len(s.Terminals)}
			row.In, row.Out = s.rates(terminals[t.ID], counted{t.BytesIn, t.BytesOut, t.Created}, before.at)
			s.Terminals = append(s.Terminals, row)
		}
		s.Namespaces = append(s.Namespaces, n)
	}
	return s
}

// counts are the counters of a state, by name.
func (s topState) counts() (namespaces, terminals map[string]counted) {
	namespaces, terminals = make(map[string]counted), make(map[string]counted)
	for _, ns := range s.list {
		if ns.Error != "" {
			continue // it told nothing
		}
		namespaces[ns.Name] = counted{ns.BytesIn, ns.BytesOut, ns.Created}
		for _, t := range ns.Terminals {
			terminals[t.ID] = counted{t.BytesIn, t.BytesOut, t.Created}
		}
	}
	return namespaces, terminals
}

// rates are the bytes a second from one count to the next, in and out. What was made
// after the first moment has counted from 0, also when something else had its name. Of
// what is older and was not counted then, nothing is known, and the rate is 0.
func (s topSample) rates(old, now counted, since time.Time) (in, out float64) {
	if !old.created.Equal(now.created) {
		if !now.created.After(since) {
			return 0, 0
		}
		old = counted{}
	}
	if s.Seconds <= 0 || now.in < old.in || now.out < old.out {
		return 0, 0
	}
	return float64(now.in-old.in) / s.Seconds, float64(now.out-old.out) / s.Seconds
}

// topOrder is an order of terminals, chosen by a key.
type topOrder struct {
	key   byte
	name  string
	order func(a, b topTerminal) int // where that is 0, the name decides
}

// topOrders are all of them, the default first.
var topOrders = []topOrder{
	{'b', "bytes/s", func(a, b topTerminal) int { return cmp.Compare(b.In+b.Out, a.In+a.Out) }},
	{'i', "in/s", func(a, b topTerminal) int { return cmp.Compare(b.In, a.In) }},
	{'o', "out/s", func(a, b topTerminal) int { return cmp.Compare(b.Out, a.Out) }},
	{'v', "viewers", func(a, b topTerminal) int { return cmp.Compare(b.Viewers, a.Viewers) }},
	{'l', "lost", func(a, b topTerminal) int { return cmp.Compare(b.Lost, a.Lost) }},
	{'n', "name", func(a, b topTerminal) int { return 0 }},
}

// sort puts the terminals into that order, and the namespaces by bytes a second.
func (s *topSample) sort(o topOrder) {
	slices.SortFunc(s.Terminals, func(a, b topTerminal) int { return cmp.Or(o.order(a, b), cmp.Compare(a.place, b.place)) })
	slices.SortFunc(s.Namespaces, func(a, b topNamespace) int {
		return cmp.Or(cmp.Compare(b.In+b.Out, a.In+a.Out), cmp.Compare(a.place, b.place))
	})
}

// total adds up the namespaces.
func (s topSample) total() (sum topNamespace) {
	for _, n := range s.Namespaces {
		sum.Terminals += n.Terminals
		sum.Viewers += n.Viewers
		sum.In += n.In
		sum.Out += n.Out
		sum.Lost += n.Lost
		sum.Refused += n.Refused
	}
	return sum
}
