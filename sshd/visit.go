package sshd

import (
	"context"
	"fmt"
	"io"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// exitFailure is the status of what goes wrong in the door itself, as of ssh's own
// failures; the others are those of ptsns exec.
const (
	exitFailure       = 255
	exitNotExecutable = 126
	exitNotFound      = 127
)

// visit is a channel on which somebody can be at a terminal.
type visit struct {
	c  *conn
	ch ssh.Channel

	begun  chan start    // gets one: what is to be done
	closed chan struct{} // closed when the client has closed the channel
	over   chan struct{} // closed when nothing is to be done any more
	chunks chan []byte   // what is typed; a slice is good until the next is received
	eof    chan struct{} // closed when nothing more is typed
	poke   chan struct{} // one slot: aim has another target, which has to be told the size

	asked bool // take's alone: it has begun

	// Of take until begun got something, of serve then.
	tty   *terminal // nil: the client has none
	env   []string  // the client's variables
	notes []string  // what is to be said first

	mu   sync.Mutex
	size window // guarded by mu
	aim  aim    // guarded by mu; nil when there is none
}

// aim is where resizes and signals go. Its methods must not block for long.
type aim interface {
	Resize(rows, cols uint16) error
	Signal(sig syscall.Signal) error
}

// start is what a client wants on its channel.
type start struct {
	command string // "" for a shell, or what else there is
	refusal string // why nothing is done; "" when it is
}

func newVisit(c *conn, ch ssh.Channel) *visit {
	return &visit{
		c: c, ch: ch, begun: make(chan start, 1), closed: make(chan struct{}), over: make(chan struct{}),
		chunks: make(chan []byte), eof: make(chan struct{}), poke: make(chan struct{}, 1), size: defaultWindow,
	}
}

// take answers the channel's requests until both sides have closed it. It never waits for
// what serve does.
func (v *visit) take(reqs <-chan *ssh.Request) {
	defer close(v.closed)
	for {
		select {
		case r, ok := <-reqs:
			if !ok {
				return
			}
			st, ok := v.request(r)
			if r.WantReply {
				_ = r.Reply(ok, nil) // a client that has gone is heard of in reqs
			}
			if st != nil {
				v.begun <- *st
			}
		case <-v.poke:
			v.resize()
		}
	}
}

// request deals with one request. ok is the answer; st is what begins after it, if anything.
func (v *visit) request(r *ssh.Request) (st *start, ok bool) {
	switch r.Type {
	case "window-change":
		var p windowPayload
		if ssh.Unmarshal(r.Payload, &p) != nil {
			return nil, false
		}
		v.mu.Lock()
		v.size = newWindow(p.Rows, p.Cols)
		v.mu.Unlock()
		v.resize()
		return nil, true
	case "signal":
		return nil, v.signal(r.Payload)
	}
	if v.asked {
		return nil, false // the others come before what they are for
	}
	switch r.Type {
	case "pty-req":
		return nil, v.openTTY(r.Payload)
	case "env":
		var p envPayload
		if ssh.Unmarshal(r.Payload, &p) != nil || len(v.env) >= maxEnv || !takesEnv(p.Name, p.Value) {
			return nil, false
		}
		v.env = append(v.env, p.Name+"="+p.Value)
		return nil, true
	case "x11-req":
		return nil, v.refuse("X11 is not forwarded here")
	case "auth-agent-req@openssh.com":
		return nil, v.refuse("agents are not forwarded here")
	case "shell", "exec", "subsystem":
		if st, ok = parseStart(r); ok {
			v.asked = true
		}
		return st, ok
	}
	return nil, false
}

// refuse notes what is to be said of a request that is refused.
func (v *visit) refuse(text string) bool {
	if len(v.notes) < maxNotes {
		v.notes = append(v.notes, text)
	}
	return false
}

const maxNotes = 4

// parseStart parses a request that begins something. What is refused begins too, so that
// the client hears why.
func parseStart(r *ssh.Request) (*start, bool) {
	switch r.Type {
	case "exec":
		var p execPayload
		if ssh.Unmarshal(r.Payload, &p) != nil {
			return nil, false
		}
		if isSCP(p.Command) {
			return &start{refusal: "no files are copied here: there is no scp"}, true
		}
		return &start{command: p.Command}, true
	case "subsystem":
		var p subsystemPayload
		if ssh.Unmarshal(r.Payload, &p) != nil {
			return nil, false
		}
		if p.Name == "sftp" {
			return &start{refusal: "no files are copied here: there is no sftp"}, true
		}
		return &start{refusal: fmt.Sprintf("there is no subsystem %q", p.Name)}, true
	}
	return &start{}, true
}

func (v *visit) openTTY(payload []byte) bool {
	if v.tty != nil || v.c.key.noPTY {
		return false
	}
	t, size, note, err := parsePty(payload)
	if err != nil {
		return false
	}
	if note != nil {
		v.c.log.Info("ssh: terminal modes left out", "err", note)
	}
	v.tty = &t
	v.mu.Lock()
	v.size = size
	v.mu.Unlock()
	return true
}

// signal passes a signal on. Who only looks on sends none.
func (v *visit) signal(payload []byte) bool {
	var p signalPayload
	if ssh.Unmarshal(payload, &p) != nil {
		return false
	}
	sig, known := signals[p.Name]
	v.mu.Lock()
	a := v.aim
	v.mu.Unlock()
	return known && a != nil && a.Signal(sig) == nil
}

// aimAt makes a the target of resizes and signals, nil none, and has it told the size.
func (v *visit) aimAt(a aim) {
	v.mu.Lock()
	v.aim = a
	v.mu.Unlock()
	select {
	case v.poke <- struct{}{}:
	default:
	}
}

// resize tells the target the window's size. It is take's alone, so that the last size is
// the last that is told.
func (v *visit) resize() {
	v.mu.Lock()
	a, size := v.aim, v.size
	v.mu.Unlock()
	if a != nil {
		_ = a.Resize(size.rows, size.cols) // one that has gone is heard of elsewhere
	}
}

func (v *visit) window() window {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.size
}

// read passes on what is typed, until nothing more is or nobody wants it.
func (v *visit) read() {
	defer close(v.eof)
	var bufs [2][]byte // one is read into while the other is with whom it was sent to
	for i := 0; ; i ^= 1 {
		if bufs[i] == nil {
			bufs[i] = make([]byte, 4<<10)
		}
		n, err := v.ch.Read(bufs[i])
		if n > 0 {
			select {
			case v.chunks <- bufs[i][:n]:
			case <-v.over:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// serve does what the client wants, says how it ended and closes the channel.
func (v *visit) serve(ctx context.Context) {
	defer close(v.over)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with ctx
		select {
		case <-v.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	status := exitFailure
	select {
	case st := <-v.begun:
		status = v.run(ctx, st)
	case <-ctx.Done():
	}
	// A client that has gone hears nothing of this.
	_, _ = v.ch.SendRequest("exit-status", false, ssh.Marshal(statusPayload{uint32(status)}))
	_ = v.ch.CloseWrite()
	_ = v.ch.Close()
}

// run does what is wanted and returns the exit status.
func (v *visit) run(ctx context.Context, st start) int {
	for _, note := range v.notes {
		v.say("%s", note)
	}
	if st.refusal != "" {
		v.c.log.Info("ssh: refused", "why", st.refusal)
		return v.fail("%s", st.refusal)
	}
	t, err := parseUser(v.c.sc.User())
	switch {
	case err != nil:
		v.c.log.Info("ssh: refused", "why", err)
		return v.fail("%v", err)
	case t.picker && st.command != "":
		return v.fail("the picker runs no command; ssh NAME@... CMD does")
	case t.picker && v.tty == nil:
		return v.list(ctx)
	case t.picker:
		return v.pick(ctx)
	case !v.c.key.allows(t.name):
		v.c.log.Info("ssh: refused", "why", "the key is not for the namespace")
		return v.fail("this key is not for namespace %q", t.name)
	case t.index >= 0 && st.command != "":
		return v.fail("a terminal that is joined runs no command; ssh %s@... CMD opens one for it", t.name)
	case t.index >= 0:
		return v.end(ctx, v.join(ctx, t, v.c.key.readOnly))
	case v.c.key.readOnly:
		return v.fail("this key looks on: it may join terminals and open none")
	case v.tty == nil && st.command == "":
		return v.fail("a shell needs a terminal: use ssh -t, or give a command")
	}
	return v.end(ctx, v.open(ctx, t.name, st.command))
}

// list is the picker of a client without a terminal.
func (v *visit) list(ctx context.Context) int {
	list, err := v.namespaces(ctx)
	if err != nil {
		return v.fail("%v", err)
	}
	for _, line := range newPage(list).lines() {
		if _, err := io.WriteString(v.ch, line+"\n"); err != nil {
			return exitFailure
		}
	}
	return 0
}

// namespaces lists those that the key is for.
func (v *visit) namespaces(ctx context.Context) ([]Namespace, error) {
	ctx, cancel := context.WithTimeout(ctx, v.c.s.limits.answer)
	defer cancel()
	all, err := v.c.s.cfg.Namespaces.List(ctx)
	if err != nil {
		return nil, err
	}
	mine := make([]Namespace, 0, len(all))
	for _, ns := range all {
		if v.c.key.allows(ns.Name) {
			mine = append(mine, ns)
		}
	}
	return mine, nil
}

// fail says what went wrong and returns the status for that.
func (v *visit) fail(format string, args ...any) int {
	v.say(format, args...)
	return exitFailure
}

// say puts a line on the client's stderr.
func (v *visit) say(format string, args ...any) {
	newline := "\n"
	if v.tty != nil {
		newline = "\r\n" // the client's terminal is raw
	}
	_, _ = fmt.Fprintf(v.ch.Stderr(), "ptsns: %s%s", printable(fmt.Sprintf(format, args...)), newline) // it may have gone
}
