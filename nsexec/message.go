//go:build linux

package nsexec

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/kpts"
)

// op is what a request asks of the supervisor.
type op int

const (
	opBuild    op = iota + 1 // make the mounts; the answer carries the files
	opServe                  // get ready to start programs
	opActivate               // stat the tap
	opStart                  // start Program
	opKill                   // end everything inside
)

// request goes to the supervisor, which does one after the other and answers each.
type request struct {
	Seq     uint64
	Op      op
	Config  Config
	Program Program
}

// reply is an answer when Seq is not 0, else the news that program PID has ended.
type reply struct {
	Seq    uint64
	Err    *wireError
	PID    int
	Status syscall.WaitStatus
	Built  *built
}

// built is the answer to opBuild. PID is the process that waits for opServe. The
// files named travel with the message, in this order.
type built struct {
	Config                 Config // with Ptmx decided
	Note                   string
	PID                    int
	Instance, Parent, Fuse bool
}

// Frames have a length so that a reader takes exactly one: the process that builds
// passes the socket on to the one that serves. They are gob, not JSON, because
// arguments and paths are bytes and need not be UTF-8.
const (
	frameHeader = 4
	maxFrame    = 16 << 20 // the kernel takes at most 6 MiB of arguments and environment
	maxFiles    = 3
)

// errFrame is a message longer than any that we send.
var errFrame = errors.New("message too long")

// peer is one end of the socket between the two processes. send and receive may
// run at once, but each only once at a time.
type peer struct {
	conn *net.UnixConn
}

// newPeer takes f, which is closed.
func newPeer(f *os.File) (*peer, error) {
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("using the supervisor's socket: %w", err)
	}
	u, ok := conn.(*net.UnixConn)
	if !ok {
		_ = conn.Close() // nothing was sent
		return nil, fmt.Errorf("using the supervisor's socket: %w", syscall.EPROTOTYPE)
	}
	return &peer{conn: u}, nil
}

// socketpair returns two connected files for newPeer.
func socketpair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a socket pair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "supervisor"), os.NewFile(uintptr(fds[1]), "supervisor"), nil
}

// send writes m, with files attached to its first byte.
func (p *peer) send(m any, files ...int) error {
	var b bytes.Buffer
	b.Write(make([]byte, frameHeader))
	if err := gob.NewEncoder(&b).Encode(m); err != nil {
		return fmt.Errorf("encoding a message: %w", err)
	}
	frame := b.Bytes()
	if len(frame) > maxFrame {
		return fmt.Errorf("sending %d bytes: %w", len(frame), syscall.E2BIG)
	}
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-frameHeader))
	if len(files) > 0 {
		n, _, err := p.conn.WriteMsgUnix(frame, unix.UnixRights(files...), nil)
		if err != nil {
			return fmt.Errorf("sending files: %w", err)
		}
		frame = frame[n:]
	}
	if _, err := p.conn.Write(frame); err != nil {
		return fmt.Errorf("sending a message: %w", err)
	}
	return nil
}

// receive reads the next message into m and returns the files that came with it.
// At the end of the connection it returns io.EOF.
func (p *peer) receive(m any) ([]*os.File, error) {
	var header [frameHeader]byte
	oob := make([]byte, unix.CmsgSpace(maxFiles*4))
	n, oobn, _, _, err := p.conn.ReadMsgUnix(header[:], oob)
	if err != nil {
		return nil, err
	}
	files, err := rights(oob[:oobn])
	if err != nil {
		return nil, err
	}
	if err := p.receiveBody(header, n, m); err != nil {
		closeAll(files)
		return nil, err
	}
	return files, nil
}

func (p *peer) receiveBody(header [frameHeader]byte, n int, m any) error {
	if _, err := io.ReadFull(p.conn, header[n:]); err != nil {
		return fmt.Errorf("reading a message: %w", err)
	}
	size := binary.BigEndian.Uint32(header[:])
	if size > maxFrame {
		return fmt.Errorf("reading %d bytes: %w", size, errFrame)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(p.conn, body); err != nil {
		return fmt.Errorf("reading a message: %w", err)
	}
	if err := gob.NewDecoder(bytes.NewReader(body)).Decode(m); err != nil {
		return fmt.Errorf("decoding a message: %w", err)
	}
	return nil
}

// rights takes the files out of a control message.
func rights(oob []byte) ([]*os.File, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("reading passed files: %w", err)
	}
	var files []*os.File
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			closeAll(files)
			return nil, fmt.Errorf("reading passed files: %w", err)
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // given up
	}
}

// wireError is an error on its way to the other process: its text, and what
// errors.Is and errors.As can find in it.
type wireError struct {
	Text     string
	Errno    syscall.Errno
	Option   string // of a kpts.MountError
	On, Name string // of a StartError
}

func toWire(err error) *wireError {
	if err == nil {
		return nil
	}
	w := &wireError{Text: err.Error()}
	errors.As(err, &w.Errno)
	var mount *kpts.MountError
	if errors.As(err, &mount) {
		w.Option = mount.Option
	}
	var start *StartError
	if errors.As(err, &start) {
		w.On, w.Name = start.On, start.Name
	}
	return w
}

// remoteError is an error that the other process met.
type remoteError struct {
	text  string
	cause error
}

func (e *remoteError) Error() string { return e.text }

func (e *remoteError) Unwrap() error { return e.cause }

// err is the error that toWire was given, as far as it matters.
func (w *wireError) err() error {
	if w == nil {
		return nil
	}
	e := &remoteError{text: w.Text}
	if w.Errno != 0 {
		e.cause = w.Errno
	}
	switch {
	case w.Option != "":
		e.cause = &kpts.MountError{Option: w.Option, Err: e.cause}
	case w.On != "":
		e.cause = &StartError{On: w.On, Name: w.Name, Err: e.cause}
	}
	return e
}
