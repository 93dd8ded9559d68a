//go:build linux

// Package server is one PTS namespace at work: its instance, the tap over its ptmx, the
// hub its terminals pass through, the programs that were started in it, and its end. A
// Virtual is the same for terminals of package pty, which programs open by themselves.
//
// A namespace ends when its first program has ended and no terminal is open, or when
// End is called. What still runs inside is then ended with it, and every mount it made
// goes. Its owner removes the runtime entry after Done.
//
// Locks: Namespace.mu is taken before the hub's and never held while a program is
// started or a file system asked. The namespace owns one goroutine that watches the
// instance and one that ends it; programs and terminals have none.
package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/fsmount"
	"github.com/ptsns/ptsns/fusefs"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/kpts"
	"github.com/ptsns/ptsns/nsexec"
	"github.com/ptsns/ptsns/rundir"
)

var (
	// ErrNoTerminal means that no open terminal has that index.
	ErrNoTerminal = errors.New("no such terminal")
	// ErrNotTapped means that the terminal is open but does not pass through us.
	ErrNotTapped = errors.New("the terminal is not tapped: its bytes do not pass through ptsns")
	// ErrEnding means that the namespace is going and takes no new program.
	ErrEnding = errors.New("the namespace is ending")
)

// Config is what a namespace is made of. It crosses from the client that starts the
// server to the server as JSON.
type Config struct {
	Name     string `json:"name"`
	Options  string `json:"options"`   // of mount -t devpts -o, defaults included
	SharePts bool   `json:"share_pts"` // the parent's own instance instead of a new one
	Ptmx     string `json:"ptmx"`      // "tap", "symlink", "bind"; "" is tap, or bind where /dev/fuse is unusable
	Root     string `json:"root,omitempty"`
	PidNS    bool   `json:"pid_ns,omitempty"`

	History     int    `json:"history"`    // bytes of output, and of scrollback, that each terminal keeps at most; 0 is the default, 1 MiB; less than 0 next to none
	RecordDir   string `json:"record_dir"` // record every terminal into a file here; "" for none
	RecordInput bool   `json:"record_input"`
	RecordV2    bool   `json:"record_v2"` // asciicast v2 in place of v3
}

// Namespace is one PTS namespace at work. Its methods are safe for concurrent use.
type Namespace struct {
	cfg      Config             // immutable, like all down to changed
	sup      *nsexec.Supervisor //
	loop     *epoll.Loop        //
	instance *kpts.Instance     //
	hub      *hub.Hub           //
	door     *fusefs.Door       // nil unless tapped
	watch    *os.File           // inotify on the instance; nil when it is the parent's
	detached *os.File           // the instance's mount of our own; keeps it alive
	entry    *rundir.Entry      // its place in the runtime directory
	path     string             // where the parent finds the instance
	created  time.Time          //
	serial                      // no other namespace has it
	changed  chan struct{}      // one slot: look whether it is time to end

	recordings *recordings   // immutable
	refused    atomic.Uint64 // opens of ptmx that failed for want of room

	opening sync.RWMutex // held (read) from the making of a node until the hub knows its terminal; hub locks come after it
	openers namer

	mu        sync.Mutex
	processes map[*hub.Terminal]*Process // guarded by mu; programs that have not ended
	first     *Process                   // guarded by mu
	starting  int                        // guarded by mu: programs being started
	ending    bool                       // guarded by mu

	end  chan struct{} // closed to begin the end
	once sync.Once     // closes end
	done chan struct{} // closed when everything is gone
	left error         // immutable once done is closed: why something is not
}

// New makes the namespace of cfg. entry is its place in the runtime directory: the
// instance is mounted there for the parent, where that may mount. On error nothing is
// left but the entry.
func New(cfg Config, entry *rundir.Entry) (_ *Namespace, err error) {
	n := &Namespace{cfg: cfg, entry: entry, created: time.Now(), serial: newSerial(), changed: make(chan struct{}, 1),
		processes: make(map[*hub.Terminal]*Process), end: make(chan struct{}), done: make(chan struct{})}
	all := RecordSpec{File: cfg.RecordDir, Input: cfg.RecordInput, V2: cfg.RecordV2}
	n.hub, n.recordings, err = recordedHub(cfg.Name, all, hub.Options{Ended: n.look, History: cfg.History})
	if err != nil {
		return nil, err
	}
	n.sup, err = nsexec.Start(nsexec.Config{
		Name: cfg.Name, Marker: entry.Marker(), Options: cfg.Options, SharePts: cfg.SharePts,
		Ptmx: nsexec.Ptmx(cfg.Ptmx), Root: cfg.Root, PIDNS: cfg.PidNS, UserNS: os.Geteuid() != 0,
		Hide: []string{filepath.Dir(entry.Path())},
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			n.tearDown()
		}
	}()
	if err := n.openInstance(entry); err != nil {
		return nil, err
	}
	if fuse := n.sup.Fuse(); fuse != nil {
		if n.door, err = fusefs.Serve(fuse, tap{n}, os.Geteuid() != 0, n.loop); err != nil {
			return nil, fmt.Errorf("serving ptmx: %w", err)
		}
	}
	if err := n.sup.Activate(); err != nil {
		return nil, err
	}
	go n.live()
	return n, nil
}

// openInstance takes hold of the instance that the supervisor made and shows it to the
// parent.
func (n *Namespace) openInstance(entry *rundir.Entry) (err error) {
	if n.loop, err = epoll.NewLoop(); err != nil {
		return err
	}
	n.detached = n.sup.Instance()
	ptmx := "ptmx"
	if n.cfg.SharePts {
		ptmx = "/dev/ptmx" // the node inside may be closed to all, as it is by default
	}
	if n.instance, err = kpts.NewInstance(n.detached, ptmx, n.loop); err != nil {
		return err
	}
	switch parent := n.sup.Parent(); {
	case n.cfg.SharePts:
		n.path = "/dev/pts"
		return nil
	case parent == nil:
		n.path = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.instance.Dir())
	default:
		n.path = entry.PtsDir()
		err := os.Mkdir(n.path, 0o755)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := fsmount.Attach(parent, n.path); err != nil {
			return err
		}
		_ = parent.Close() // the mount has a place now
	}
	n.watch, err = n.instance.Watch()
	return err
}

// Note says in one line why the ptmx is not tapped though that is the default, "" when
// there is nothing to say.
func (n *Namespace) Note() string { return n.sup.Note() }

// live waits until it is time to end and then ends everything.
func (n *Namespace) live() {
	if n.watch != nil {
		go n.watchInstance()
	}
	for alive := true; alive; {
		select {
		case <-n.changed:
			alive = !n.over()
		case <-n.end:
			alive = false
		case <-n.sup.Done():
			alive = false // somebody killed it
		}
	}
	n.mu.Lock()
	n.ending = true
	n.mu.Unlock()
	lost := n.sup.Kill()
	n.tearDown()
	if lost != nil { // nobody has ended what it started
		n.left = n.entry.KillPrograms()
	}
	close(n.done)
}

// over tells whether the first program has ended and no terminal is open.
func (n *Namespace) over() bool {
	n.mu.Lock()
	over := n.first != nil && n.first.ended() && n.starting == 0
	n.mu.Unlock()
	if !over || n.hub.Len() > 0 {
		return false
	}
	if n.cfg.SharePts {
		return true // the parent's own terminals are no reason to stay
	}
	nodes, err := n.instance.Nodes()
	return err == nil && len(nodes) == 0
}

// look makes live look again whether it is time to end. It never blocks.
func (n *Namespace) look() {
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// watchInstance looks again whenever a terminal was opened or closed, by whomever.
func (n *Namespace) watchInstance() {
	buf := make([]byte, 64*(unix.SizeofInotifyEvent+unix.NAME_MAX+1))
	for {
		if _, err := n.watch.Read(buf); err != nil {
			return // closed at the end
		}
		n.look()
	}
}

// tearDown gives up everything that New made, as far as it was made.
func (n *Namespace) tearDown() {
	for _, t := range n.hub.Terminals() {
		_ = t.Close() // closed meanwhile is as well
	}
	n.recordings.close()
	if n.loop != nil {
		_ = n.loop.Close() // its eventfd takes the write
	}
	if n.door != nil {
		n.door.Close()
	}
	_ = n.sup.Close() // it has ended, whatever it reports
	if n.watch != nil {
		_ = n.watch.Close()
	}
	if n.instance != nil {
		_ = n.instance.Close()
	}
	if n.detached != nil {
		_ = n.detached.Close()
	}
}

// Terminal finds an open terminal to join; -1 is the one with the lowest index.
func (n *Namespace) Terminal(index int) (*hub.Terminal, error) {
	if t := lookup(n.hub, index); t != nil {
		return t, nil
	}
	n.opening.Lock() // who is there by now is known, or not opened by us
	t := lookup(n.hub, index)
	n.opening.Unlock()
	if t != nil {
		return t, nil
	}
	nodes, err := n.instance.Nodes()
	if err != nil {
		return nil, err
	}
	for _, node := range nodes {
		if index < 0 || node.Index == index {
			return nil, ErrNotTapped
		}
	}
	return nil, ErrNoTerminal
}

// lookup finds a terminal that passes through us, -1 the one with the lowest index; nil
// when there is none.
func lookup(h *hub.Hub, index int) *hub.Terminal {
	if index >= 0 {
		return h.Lookup(index)
	}
	if all := h.Terminals(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// Events are what happened to the terminals.
func (n *Namespace) Events() *hub.Events { return n.hub.Events() }

// Kick sends the viewer of that number away; false when there is none.
func (n *Namespace) Kick(id uint64) bool { return n.hub.Kick(id) }

// noteOpen counts an open of ptmx that failed because there is no room for another
// terminal.
func (n *Namespace) noteOpen(err error, opener string) {
	if errors.Is(err, unix.ENOSPC) {
		n.refused.Add(1)
		n.hub.Events().Add(hub.EventRefused, -1, opener)
	}
}

// Process is the program that ptsns started on t, nil when t was opened inside.
func (n *Namespace) Process(t *hub.Terminal) *Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.processes[t]
}

// End ends every program in the namespace, then the namespace. It returns at once.
func (n *Namespace) End() { n.once.Do(func() { close(n.end) }) }

// Done is closed when the namespace has ended and everything it made is gone, but for
// what Err tells of.
func (n *Namespace) Done() <-chan struct{} { return n.done }

// Err tells, after Done, why something that ran inside could not be ended. Its entry is
// then to be left for rundir's Clean.
func (n *Namespace) Err() error { return n.left }
