//go:build linux

package devptsd

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/devpts"
)

// A connection carries requests and answers in turns, each a line of JSON. The request
// "mount" comes with a descriptor.

const maxLine = 256 << 10 // bytes of a request or an answer, but for a list's

// Request is what a client asks for.
type Request struct {
	Source     string            `json:"source,omitempty"`     // of a mount, as /proc/mounts shows it
	Options    string            `json:"options,omitempty"`    // of a mount or remount: those of mount -t devpts -o
	Generation devpts.Generation `json:"generation,omitempty"` // that the system must have
	Task       int               `json:"task,omitempty"`       // whose PTS namespace is mounted, in Cloned; 0: the first one
	Merge      bool              `json:"merge,omitempty"`      // of a remount: Options are added to those that are in force
	Device     string            `json:"device,omitempty"`     // which mount, MAJOR:MINOR as in mountinfo
	Dir        string            `json:"dir,omitempty"`        // where it is to be mounted, for people
	Name       string            `json:"name,omitempty"`       // the instance's, in the parent's hands; "" is any
	History    int               `json:"history,omitempty"`    // bytes of output that each terminal keeps there, as in server.Config
	Record     string            `json:"record,omitempty"`     // an absolute path of a directory that every terminal is recorded into; "" for none
	RecordIn   bool              `json:"record_in,omitempty"`  // what is typed, too
	RecordV2   bool              `json:"record_v2,omitempty"`
}

// request is a Request on its way.
type request struct {
	Op string `json:"op"` // "mount", "remount", "list", "wait"
	Request
}

// answer is what a server says.
type answer struct {
	Error    *refusal `json:"error,omitempty"`
	Warnings []string `json:"warnings,omitempty"` // mount, remount
	System   *System  `json:"system,omitempty"`   // list
}

// refusal is an error on its way, which keeps its number.
type refusal struct {
	Text  string     `json:"text"`
	Errno unix.Errno `json:"errno,omitempty"`
}

func (r *refusal) Error() string { return r.Text }

// Is makes errors.Is(err, unix.EINVAL) hold for what the server was refused with.
func (r *refusal) Is(target error) bool {
	errno, ok := target.(unix.Errno)
	return ok && errno == r.Errno && errno != 0
}

// refuse makes an answer of an error.
func refuse(err error) answer {
	if err == nil {
		return answer{}
	}
	r := &refusal{Text: err.Error()}
	if !errors.As(err, &r.Errno) {
		r.Errno = errnoOf(err)
	}
	return answer{Error: r}
}

// conn is one end of a connection, for one goroutine.
type conn struct {
	*net.UnixConn
	in   *bufio.Reader
	file *os.File // that came along and was not taken; nil without one
}

func newConn(c *net.UnixConn) *conn {
	x := &conn{UnixConn: c}
	x.in = bufio.NewReaderSize(readerFunc(x.read), 16<<10)
	return x
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// read reads bytes and keeps the last descriptor that came with them.
func (c *conn) read(p []byte) (int, error) {
	oob := make([]byte, unix.CmsgSpace(4*4))
	n, oobn, _, _, err := c.ReadMsgUnix(p, oob)
	if oobn > 0 {
		c.keep(oob[:oobn])
	}
	if n == 0 && err == nil && len(p) > 0 {
		err = io.EOF
	}
	return max(n, 0), err // it is -1 with an error
}

func (c *conn) keep(oob []byte) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			if c.file != nil {
				_ = c.file.Close() // one is expected
			}
			c.file = os.NewFile(uintptr(fd), "received")
		}
	}
}

// take gives out the descriptor that came last, nil when none did.
func (c *conn) take() *os.File {
	f := c.file
	c.file = nil
	return f
}

// receive reads one line into v.
func (c *conn) receive(v any, limit int) error {
	var line []byte
	for {
		part, err := c.in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > limit {
			return fmt.Errorf("a message of more than %d bytes", limit)
		}
		if err == nil {
			return json.Unmarshal(line, v)
		}
		if err != bufio.ErrBufferFull {
			return err
		}
	}
}

// send writes v as a line, with file when it is not nil.
func (c *conn) send(v any, file *os.File) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	var oob []byte
	if file != nil {
		raw, err := file.SyscallConn()
		if err != nil {
			return err
		}
		cerr := raw.Control(func(fd uintptr) { oob = unix.UnixRights(int(fd)) })
		if cerr != nil {
			return cerr
		}
		n, _, err := c.WriteMsgUnix(line, oob, nil)
		if err != nil {
			return err
		}
		line = line[n:]
	}
	_, err = c.Write(line)
	return err
}

// close ends the connection, and what nobody took.
func (c *conn) close() {
	if f := c.take(); f != nil {
		_ = f.Close()
	}
	_ = c.UnixConn.Close()
}

// System is what a list tells.
type System struct {
	Name       string    `json:"name"`
	Generation string    `json:"generation"`
	ServerPID  int       `json:"server_pid"`
	Mounts     []Mounted `json:"mounts"`
}

// Mounted is one mount of a system.
type Mounted struct {
	Source    string    `json:"source"`
	Dir       string    `json:"dir"`
	Device    string    `json:"device"`
	Name      string    `json:"name"`    // of the namespace that the instance is to the parent, "" while it is none
	Options   string    `json:"options"` // as Linux shows them in /proc/mounts
	Terminals int       `json:"terminals"`
	Created   time.Time `json:"created"`
}
