//go:build linux

package devptsd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/fsmount"
	"github.com/ptsns/ptsns/usock"
)

// ErrGone means that the server ended before it answered. One that ends while its last
// mount goes can meet a client that was about to bring the next; who asks again
// finds, or starts, another server.
var ErrGone = errors.New("the server of the system is gone")

// answerTime is how long a server may take to answer.
const answerTime = 10 * time.Second

// Client speaks to the server of a system. It is for one goroutine.
type Client struct{ c *conn }

// Dial connects to the server whose socket that is.
func Dial(ctx context.Context, socket string) (*Client, error) {
	c, err := usock.Dial(ctx, socket)
	if err != nil {
		if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOENT) {
			return nil, ErrGone
		}
		return nil, fmt.Errorf("connect to the server: %w", err)
	}
	return NewClient(c.(*net.UnixConn)), nil
}

// NewClient makes a client of a connection, which it owns.
func NewClient(c *net.UnixConn) *Client { return &Client{newConn(c)} }

// Close ends the connection.
func (c *Client) Close() error { c.c.close(); return nil }

func (c *Client) ask(ctx context.Context, r request, file *os.File, limit int) (answer, error) {
	deadline, ok := ctx.Deadline()
	if !ok && r.Op != "wait" {
		deadline = time.Now().Add(answerTime)
	}
	_ = c.c.SetDeadline(deadline) // a socket has deadlines
	stop := context.AfterFunc(ctx, func() { _ = c.c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var a answer
	err := c.c.send(r, file)
	if err == nil {
		err = c.c.receive(&a, limit)
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return a, ErrGone
	case errors.Is(err, os.ErrDeadlineExceeded):
		return a, errors.Join(ctx.Err(), errors.New("the server of the system does not answer"))
	case err != nil:
		return a, fmt.Errorf("ask the server: %w", err)
	case a.Error != nil:
		return a, a.Error
	}
	return a, nil
}

// Fresh is a file system of FUSE that nobody serves yet, and its mount, which is attached
// nowhere.
type Fresh struct {
	fuse, mount *os.File
	device      string   // MAJOR:MINOR
	rest        []string // the options that are for the server
}

// Prepare opens /dev/fuse and makes its file system. The options are those of
// mount -t devpts -o, with what mount(8) itself understands. It is the caller's to close.
func Prepare(source, options string) (*Fresh, error) {
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/dev/fuse", Err: err}
	}
	o := fsmount.Split(options)
	f := &Fresh{fuse: os.NewFile(uintptr(fd), "/dev/fuse"), rest: o.Rest}
	params := append([]string{"source=" + source, "subtype=ptsns", fmt.Sprintf("fd=%d", fd),
		"rootmode=40755", "user_id=0", "group_id=0", "allow_other"}, o.Super...)
	f.mount, err = fsmount.New("fuse", o.Attrs, params...)
	if err == nil {
		f.device, err = deviceOf(f.mount)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Close lets go of it. What was attached stays.
func (f *Fresh) Close() {
	_ = f.fuse.Close() // the server has its own
	if f.mount != nil {
		_ = f.mount.Close() // unmounts what is attached nowhere
	}
}

// Device is the device number that names the mount.
func (f *Fresh) Device() string { return f.device }

// Mount has f made into what r asks for, an instance or another mount of one, and puts it
// at dir in our own mount namespace. It returns what there is to warn of. After an error,
// or when we are killed, nothing is mounted once f is closed.
func (c *Client) Mount(ctx context.Context, r Request, f *Fresh, dir string) (warnings []string, err error) {
	r.Options, r.Device, r.Dir = strings.Join(f.rest, ","), f.device, dir
	a, err := c.ask(ctx, request{Op: "mount", Request: r}, f.fuse, maxLine)
	if err != nil {
		return nil, err
	}
	return a.Warnings, fsmount.Attach(f.mount, dir)
}

// deviceOf is the device number of a mount, whose server is not asked.
func deviceOf(m *os.File) (string, error) {
	conn, err := m.SyscallConn()
	if err != nil {
		return "", err
	}
	var st unix.Statx_t
	cerr := conn.Control(func(fd uintptr) {
		err = unix.Statx(int(fd), "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, 0, &st)
	})
	if err := errors.Join(cerr, err); err != nil {
		return "", fmt.Errorf("look at the mount: %w", err)
	}
	return deviceName(st.Dev_major, st.Dev_minor), nil
}

// DeviceAt is the device number of what is mounted at path, or above it.
func DeviceAt(path string) (string, error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_STATX_DONT_SYNC, 0, &st); err != nil {
		return "", &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return deviceName(st.Dev_major, st.Dev_minor), nil
}

func deviceName(major, minor uint32) string { return fmt.Sprintf("%d:%d", major, minor) }

// Remount gives the mount with that device number the new options of r, as mount -o remount
// does: what is not among them goes back to its default, unless they are to be merged with
// those in force. What else r asks of the instance it must have already.
func (c *Client) Remount(ctx context.Context, device string, r Request) (warnings []string, err error) {
	r.Device, r.Options = device, strings.Join(fsmount.Split(r.Options).Rest, ",")
	a, err := c.ask(ctx, request{Op: "remount", Request: r}, nil, maxLine)
	return a.Warnings, err
}

// List tells what the system is and has mounted.
func (c *Client) List(ctx context.Context) (System, error) {
	a, err := c.ask(ctx, request{Op: "list"}, nil, 64<<20)
	if err == nil && a.System == nil {
		err = errors.New("the server told nothing")
	}
	if err != nil {
		return System{}, err
	}
	return *a.System, nil
}

// Wait returns when the mount with that device number is gone, or ctx is done.
func (c *Client) Wait(ctx context.Context, device string) error {
	_, err := c.ask(ctx, request{Op: "wait", Request: Request{Device: device}}, nil, maxLine)
	return err
}
