//go:build linux

package server

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/kpts"
	"github.com/ptsns/ptsns/nsexec"
	"github.com/ptsns/ptsns/procfs"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
)

// Spec is a program to start on a new terminal.
type Spec struct {
	Argv       []string `json:"argv"`
	Env        []string `json:"env"`
	Dir        string   `json:"dir"`         // working directory; must exist
	DirDefault string   `json:"dir_default"` // tried when Dir is empty; "/" when it does not exist
	Rows       uint16   `json:"rows"`
	Cols       uint16   `json:"cols"`
	Modes      []byte   `json:"modes"`  // settings that differ from a fresh terminal's, as SSH encodes them; see termios.TakeModes
	Attach     bool     `json:"attach"` // join it as its owner before it starts
	Who        hub.Who  `json:"who"`    // who that is
	Size       string   `json:"size"`   // whose window counts: "latest" (also ""), "largest", "smallest", "fixed"
}

// Process is a program started by Start, on its own terminal.
type Process struct {
	Terminal *hub.Terminal
	Owner    *hub.Viewer // lossless: its reader's pace is the terminal's; nil unless Spec.Attach
	PID      int

	exited chan struct{}      // closed when the program has ended
	status syscall.WaitStatus // immutable once exited is closed
}

// Start opens a new terminal and starts a program on it. Its errors wrap
// syscall.ENOENT for a program that is not there and syscall.EACCES or ENOEXEC for one
// that cannot be executed. The first program started is the namespace's first.
func (n *Namespace) Start(spec Spec) (*Process, error) {
	if len(spec.Argv) == 0 {
		return nil, fmt.Errorf("no program is given: %w", syscall.EINVAL)
	}
	n.mu.Lock()
	if n.ending {
		n.mu.Unlock()
		return nil, ErrEnding
	}
	n.starting++
	n.mu.Unlock()
	p, err := n.start(spec)
	n.mu.Lock()
	n.starting--
	if err == nil && n.first == nil {
		n.first = p
	}
	n.mu.Unlock()
	n.look()
	return p, err
}

func (n *Namespace) start(spec Spec) (*Process, error) {
	sizing, err := hub.ParseSizing(spec.Size)
	if err != nil {
		return nil, err
	}
	p := &Process{exited: make(chan struct{})}
	if err := n.openTerminal(p, spec); err != nil {
		return nil, err
	}
	p.Terminal.SetSizing(sizing)
	n.mu.Lock()
	n.processes[p.Terminal] = p
	n.mu.Unlock()
	p.PID, err = n.sup.Start(nsexec.Program{Argv: spec.Argv, Env: spec.Env, Dir: spec.Dir,
		DirDefault: spec.DirDefault, Index: p.Terminal.Index()}, func(s syscall.WaitStatus) { n.ended(p, s) })
	if err != nil {
		n.mu.Lock()
		delete(n.processes, p.Terminal)
		n.mu.Unlock()
		_ = p.Terminal.Close() // nobody was on it
		return nil, err
	}
	return p, nil
}

// openTerminal opens p's terminal.
func (n *Namespace) openTerminal(p *Process, spec Spec) error {
	n.opening.RLock()
	defer n.opening.RUnlock()
	ptm, err := n.instance.OpenPTM(nil, unix.O_RDWR)
	if err != nil {
		n.noteOpen(err, "ptsns")
		return fmt.Errorf("opening a terminal: %w", err)
	}
	if err := prepare(ptm, spec); err != nil {
		return errors.Join(err, ptm.Close())
	}
	opener := hub.Opener{PID: os.Getpid(), Comm: procfs.Comm(os.Getpid())}
	p.Terminal, p.Owner = n.hub.Own(ptm, ptm.Index(), opener, spec.Attach, spec.Who)
	return nil
}

// prepare unlocks a fresh pair and gives it its size and settings, before anybody can see it.
func prepare(ptm *kpts.PTM, spec Spec) error {
	if _, err := ptm.Ioctl(nil, pts.TIOCSPTLCK, make([]byte, 4)); err != nil {
		return fmt.Errorf("unlocking the terminal: %w", err)
	}
	var size [8]byte
	binary.LittleEndian.PutUint16(size[:], spec.Rows)
	binary.LittleEndian.PutUint16(size[2:], spec.Cols)
	if _, err := ptm.Ioctl(nil, pts.TIOCSWINSZ, size[:]); err != nil {
		return fmt.Errorf("setting the window size: %w", err)
	}
	if len(spec.Modes) == 0 {
		return nil
	}
	var t termios.Termios
	b := make([]byte, termios.Struct2.Size())
	if _, err := ptm.Ioctl(nil, pts.TCGETS2, b); err != nil {
		return fmt.Errorf("asking for the terminal's settings: %w", err)
	}
	termios.Struct2.Take(b, &t)
	if err := t.TakeModes(spec.Modes); err != nil {
		return err
	}
	termios.Struct2.Put(b, &t)
	if _, err := ptm.Ioctl(nil, pts.TCSETS2, b); err != nil {
		return fmt.Errorf("setting the terminal's settings: %w", err)
	}
	return nil
}

// ended is called once the program is reaped. Its terminal goes when its output is out.
func (n *Namespace) ended(p *Process, s syscall.WaitStatus) {
	p.status = s
	p.Terminal.SetExit(p.code())
	close(p.exited)
	go func() {
		p.Terminal.Finish()
		<-p.Terminal.Done()
		n.mu.Lock()
		delete(n.processes, p.Terminal)
		n.mu.Unlock()
		n.look()
	}()
}

// ended tells whether the program has ended.
func (p *Process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// Wait waits for the program's end. The code is its exit status, or 128+N for signal N.
func (p *Process) Wait(ctx context.Context) (code int, err error) {
	if p.ended() {
		return p.code(), nil // whatever has become of ctx
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return p.code(), nil
}

// code is the exit status as shells give it.
func (p *Process) code() int {
	if p.status.Signaled() {
		return 128 + int(p.status.Signal())
	}
	return p.status.ExitStatus()
}

// Signal sends sig to t's foreground process group, and to the program that ptsns started
// on it. syscall.ESRCH means that neither is there.
func (n *Namespace) Signal(t *hub.Terminal, sig syscall.Signal) error {
	if p := n.Process(t); p != nil {
		return p.Signal(sig)
	}
	return signalForeground(t, sig)
}

// signalForeground sends sig to t's foreground process group.
func signalForeground(t *hub.Terminal, sig syscall.Signal) error {
	group := t.Foreground()
	if group <= 1 { // there is none, or none that a signal could be meant for alone
		return syscall.ESRCH
	}
	return unix.Kill(-group, sig)
}

// Signal sends sig to the terminal's foreground process group, and to the program when
// it is not in that.
func (p *Process) Signal(sig syscall.Signal) error {
	if p.ended() {
		return syscall.ESRCH
	}
	group := p.Terminal.Foreground()
	var err error
	if group > 0 {
		err = unix.Kill(-group, sig)
	}
	if group <= 0 || err != nil {
		return unix.Kill(p.PID, sig)
	}
	if own, e := unix.Getpgid(p.PID); e == nil && own != group {
		return unix.Kill(p.PID, sig)
	}
	return nil
}
