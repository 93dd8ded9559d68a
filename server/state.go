//go:build linux

package server

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/procfs"
	"github.com/ptsns/ptsns/pts"
)

// Kinds of namespaces.
const (
	KindKernel  = "kernel"
	KindVirtual = "virtual" // ptsns starts no programs there
)

// State is a namespace as `ptsns ls --json` shows it.
type State struct {
	Name      string     `json:"name"`
	Serial    string     `json:"serial"` // no other namespace ever has it, one of the same name neither
	Kind      string     `json:"kind"`
	ServerPID int        `json:"server_pid"`
	InitPID   int        `json:"init_pid"` // the first program; 0 before and after it
	Options   string     `json:"options"`  // as /proc/mounts shows them
	Ptmx      string     `json:"ptmx"`     // "tap", "symlink", "bind"
	Path      string     `json:"path"`     // the instance, as the parent finds it; "" where no file system has it
	Created   time.Time  `json:"created"`
	Refused   uint64     `json:"refused"`  // opens of ptmx that failed for want of room (ENOSPC)
	BytesIn   uint64     `json:"bytes_in"` // of all terminals that ever passed through, as in Terminal
	BytesOut  uint64     `json:"bytes_out"`
	BytesLost uint64     `json:"bytes_lost"`
	Opened    uint64     `json:"opened"` // terminals that ever passed through
	Terminals []Terminal `json:"terminals"`
}

// Terminal is one terminal in a State.
type Terminal struct {
	ID         string           `json:"id"` // "vs1/0"
	Index      int              `json:"index"`
	Serial     string           `json:"serial,omitempty"` // no other terminal ever has it, of whatever namespace; "" for one that does not pass through
	UID        int              `json:"uid"`
	GID        int              `json:"gid"`
	Mode       string           `json:"mode"` // octal, "0620"
	Rows       int              `json:"rows"`
	Cols       int              `json:"cols"`
	Opener     Proc             `json:"opener"`
	Foreground Proc             `json:"foreground"`
	Title      string           `json:"title"` // as its programs set it
	Viewers    []hub.ViewerInfo `json:"viewers"`
	Recordings []string         `json:"recordings"`    // files that are being written
	BytesIn    uint64           `json:"bytes_in"`      // written to the ptm
	BytesOut   uint64           `json:"bytes_out"`     // read from the ptm
	BytesLost  uint64           `json:"bytes_lost"`    // by viewers, those that have left too
	Dropped    uint64           `json:"bytes_dropped"` // written to the ptm while a viewer had the input for itself; not in bytes_in
	Created    time.Time        `json:"created"`
}

// Proc is a process as people know it; PID 0 when there is none.
type Proc struct {
	PID  int    `json:"pid"`
	Comm string `json:"comm"`
}

// State tells what the namespace is now. It asks the file system and /proc, and never a
// process.
func (n *Namespace) State() State {
	s := State{Name: n.cfg.Name, Serial: string(n.serial), Kind: KindKernel, ServerPID: os.Getpid(), Options: n.options(),
		Ptmx: string(n.sup.Ptmx()), Path: n.path, Created: n.created, Terminals: []Terminal{}}
	n.mu.Lock()
	if n.first != nil && !n.first.ended() {
		s.InitPID = n.first.PID
	}
	n.mu.Unlock()
	s.addTotals(n.hub.Totals())
	s.Refused = n.refused.Load()
	nodes, err := n.instance.Nodes()
	if err != nil {
		return s // the instance is going
	}
	passing := byIndex(n.hub)
	var others map[int]untapped
	for _, node := range nodes {
		t := passing[node.Index]
		if t == nil && n.cfg.SharePts {
			continue // the parent's own
		}
		row := newRow(n.cfg.Name, node)
		if t == nil {
			if others == nil {
				others = n.untapped()
			}
			o := others[node.Index]
			row.Opener, row.Foreground = o.opener, o.foreground
		} else {
			n.describe(&row, t, procfs.Comm)
		}
		s.Terminals = append(s.Terminals, row)
	}
	return s
}

func (s *State) addTotals(t hub.Totals) {
	s.Opened, s.BytesIn, s.BytesOut, s.BytesLost = t.Opened, t.In, t.Out, t.Lost
}

// byIndex are the terminals that pass through us.
func byIndex(h *hub.Hub) map[int]*hub.Terminal {
	passing := make(map[int]*hub.Terminal)
	for _, t := range h.Terminals() {
		passing[t.Index()] = t
	}
	return passing
}

// newRow is what a node tells of its terminal.
func newRow(namespace string, node pts.Info) Terminal {
	return Terminal{ID: pts.ID{Namespace: namespace, Index: node.Index}.String(), Index: node.Index,
		UID: node.UID, GID: node.GID, Mode: fmt.Sprintf("%04o", node.Mode), Created: node.Created,
		Viewers: []hub.ViewerInfo{}, Recordings: []string{}}
}

// describe adds what is known of a terminal that passes through us. comm names processes,
// "" is not known.
func (s serial) describe(row *Terminal, t *hub.Terminal, comm func(pid int) string) {
	row.Serial = s.Serial(t)
	rows, cols := t.Size()
	row.Rows, row.Cols = int(rows), int(cols)
	counts := t.Counts()
	row.Viewers, row.BytesIn, row.BytesOut, row.BytesLost = t.Viewers(), counts.In, counts.Out, counts.Lost
	row.Dropped = counts.Dropped
	row.Title, row.Recordings = t.Title(), t.Recordings()
	opener := t.Opener()
	row.Opener = Proc{opener.PID, opener.Comm}
	if now := comm(opener.PID); now != "" {
		row.Opener.Comm = now // it may have become another program
	}
	if pgrp := t.Foreground(); pgrp > 0 {
		row.Foreground = Proc{pgrp, comm(pgrp)}
	}
	row.Created = t.Created()
}

// options are the instance's as the kernel shows them inside, "" when it is gone there.
func (n *Namespace) options() string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/mounts", n.sup.PID()))
	if err != nil {
		return ""
	}
	options := ""
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) >= 4 && f[1] == "/dev/pts" && f[2] == "devpts" {
			options = f[3] // the last one lies on top
		}
	}
	return options
}
