//go:build linux

package server

import (
	"encoding/binary"
	"errors"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/cast"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/procfs"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/recorder"
)

// ErrNoPrograms means that ptsns starts no programs on the terminals of a namespace:
// they are virtual ones, which programs open by themselves.
var ErrNoPrograms = errors.New("ptsns starts no programs on virtual terminals: they are opened from inside")

// VirtualConfig is what a namespace of virtual terminals is made of. All but Name may
// be left out.
type VirtualConfig struct {
	Name    string
	History int // as in Config
	// RecordDir, RecordInput and RecordV2 are as in Config. The path is RecordAsker's, where
	// that process is named: this one need not see the same files.
	RecordDir             string
	RecordInput, RecordV2 bool
	RecordAsker           int
	// Instance lists the terminals as their file system has them. Without one the namespace
	// has those that its Hub has, which belong to the user of this process.
	Instance interface {
		Terminals() iter.Seq[pts.Info]
	}
	Options func() string // as /proc/mounts would show them
	Path    func() string // where the parent finds the instance
	// Processes says that process numbers are those of this machine, which /proc knows: of
	// openers, and of foreground groups.
	Processes bool
	// Log is told who joined and left, and of what could not be opened; nil is nobody.
	Log *slog.Logger
	// End is called once when somebody asks for the namespace's end, has to bring Close about,
	// and must not block. Without it the namespace closes itself.
	End func()
}

// Virtual is a PTS namespace of virtual terminals: of package pty, in this process. What
// passes through its Hub can be joined, recorded and written to like the kernel's
// terminals in a Namespace. It has no goroutine but what a Namespace has for terminals
// and recordings. Its methods are safe for concurrent use.
type Virtual struct {
	cfg     VirtualConfig // immutable, like all down to recordings
	hub     *hub.Hub
	created time.Time
	serial  // no other namespace has it

	recordings *recordings
	refused    atomic.Uint64

	openers namer
	end     sync.Once     // calls cfg.End
	close   sync.Once     // the end
	done    chan struct{} // closed at the end
}

// NewVirtual makes a namespace without terminals. Its user ends it with Close.
func NewVirtual(cfg VirtualConfig) (*Virtual, error) {
	v := &Virtual{cfg: cfg, created: time.Now(), serial: newSerial(), done: make(chan struct{})}
	all := RecordSpec{File: cfg.RecordDir, Input: cfg.RecordInput, V2: cfg.RecordV2, Asker: cfg.RecordAsker}
	var err error
	v.hub, v.recordings, err = recordedHub(cfg.Name, all, hub.Options{Ended: func() {}, History: cfg.History})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Hub is what the terminals pass through: its Own and Tap add one. An index is for one
// open terminal at a time.
func (v *Virtual) Hub() *hub.Hub { return v.hub }

// Tap adds a terminal that c opens, and returns what takes the place of its ptm for c; it
// is what devpts.Config's Tap is for. nil is this process. After Close that is ptm itself.
func (v *Virtual) Tap(c pts.Caller, index int, ptm pts.Starter) pts.Starter {
	select {
	case <-v.done:
		return ptm // nobody would see it
	default:
	}
	opener := hub.Opener{PID: os.Getpid()}
	if c != nil {
		opener.PID = c.PID()
	}
	t, tapped := v.hub.TapStarter(ptm, index, opener)
	if v.cfg.Processes {
		v.openers.name(t)
	}
	return tapped
}

// Refuse notes that a terminal could not be opened for want of room, and by whom.
func (v *Virtual) Refuse(opener string) {
	v.refused.Add(1)
	v.hub.Events().Add(hub.EventRefused, -1, opener)
}

// State tells what the namespace is now.
func (v *Virtual) State() State {
	s := State{Name: v.cfg.Name, Serial: string(v.serial), Kind: KindVirtual, ServerPID: os.Getpid(), Ptmx: "tap", Created: v.created,
		Refused: v.refused.Load(), Terminals: []Terminal{}}
	if v.cfg.Options != nil {
		s.Options = v.cfg.Options()
	}
	if v.cfg.Path != nil {
		s.Path = v.cfg.Path()
	}
	s.addTotals(v.hub.Totals())
	comm := procfs.Comm
	if !v.cfg.Processes {
		comm = func(int) string { return "" }
	}
	passing := byIndex(v.hub)
	for info := range v.infos() {
		row := newRow(v.cfg.Name, info)
		if t := passing[info.Index]; t != nil {
			v.describe(&row, t, comm)
		}
		s.Terminals = append(s.Terminals, row)
	}
	return s
}

// infos are the terminals' nodes, or what stands for them.
func (v *Virtual) infos() iter.Seq[pts.Info] {
	if v.cfg.Instance != nil {
		return v.cfg.Instance.Terminals()
	}
	return func(yield func(pts.Info) bool) {
		for _, t := range v.hub.Terminals() {
			if !yield(pts.Info{Index: t.Index(), UID: os.Geteuid(), GID: os.Getegid(), Mode: 0o600, Created: t.Created()}) {
				return
			}
		}
	}
}

// Terminal finds an open terminal to join; -1 is the one with the lowest index.
func (v *Virtual) Terminal(index int) (*hub.Terminal, error) {
	if t := lookup(v.hub, index); t != nil {
		return t, nil
	}
	for info := range v.infos() {
		if index < 0 || info.Index == index {
			return nil, ErrNotTapped
		}
	}
	return nil, ErrNoTerminal
}

// Start fails with ErrNoPrograms.
func (v *Virtual) Start(Spec) (*Process, error) { return nil, ErrNoPrograms }

// Process is nil: ptsns starts no programs here.
func (v *Virtual) Process(*hub.Terminal) *Process { return nil }

// Signal sends sig to t's foreground process group; syscall.ESRCH means that there is none.
// Where process numbers are not this machine's it is for SIGINT, SIGQUIT and SIGTSTP, as
// TIOCSIG is, and else syscall.EINVAL.
func (v *Virtual) Signal(t *hub.Terminal, sig syscall.Signal) error {
	if v.cfg.Processes {
		return signalForeground(t, sig)
	}
	if t.Foreground() <= 0 {
		return syscall.ESRCH
	}
	arg := binary.LittleEndian.AppendUint64(nil, uint64(sig))
	_, err := t.Ioctl(nil, pts.TIOCSIG, arg)
	return err
}

// Events are what happened to the terminals.
func (v *Virtual) Events() *hub.Events { return v.hub.Events() }

// Kick sends the viewer of that number away; false when there is none.
func (v *Virtual) Kick(id uint64) bool { return v.hub.Kick(id) }

// Record begins a recording of a terminal, as it is now, into a new file. The path means
// what it does to spec.Asker, where that is known: this process need not see the same
// files.
func (v *Virtual) Record(t *hub.Terminal, spec RecordSpec) error {
	return v.recordings.begin(t, spec, func(h cast.Header, o recorder.Options) (*recorder.Recorder, error) {
		dir, err := openAs(spec.Asker, filepath.Dir(spec.File))
		if err != nil {
			return nil, err
		}
		defer dir.Close()
		return recorder.NewIn(dir, filepath.Base(spec.File), spec.File, h, o)
	})
}

// StopRecord is a Namespace's.
func (v *Virtual) StopRecord(t *hub.Terminal, file string) error { return v.recordings.end(t, file) }

// End asks for the end of the namespace. It returns at once.
func (v *Virtual) End() {
	v.end.Do(func() {
		if v.cfg.End != nil {
			v.cfg.End()
			return
		}
		go v.Close() // recordings may take their time
	})
}

// Close ends the namespace: its terminals are hung up, and recordings are completed, for
// which it waits up to five seconds.
func (v *Virtual) Close() {
	v.close.Do(func() {
		for _, t := range v.hub.Terminals() {
			_ = t.Close() // closed meanwhile is as well
		}
		v.recordings.close()
		close(v.done)
	})
}

// Done is closed when the namespace has ended.
func (v *Virtual) Done() <-chan struct{} { return v.done }
