package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"syscall"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/nsexec"
	"github.com/ptsns/ptsns/server"
)

var (
	// ErrBadRequest means that the server could not make sense of a request.
	ErrBadRequest = errors.New("bad request")
	// ErrServerGone means that the server ended, or dropped us, before it said how
	// the terminal ended.
	ErrServerGone = errors.New("the server of the namespace has gone")
	// ErrNoProgram means that ptsns started no such program on the terminal, or that it
	// ended long ago; of a signal, that nothing is there to get it.
	ErrNoProgram = errors.New("no program that ptsns started is on the terminal")
	// ErrNoViewer means that nobody has joined with that number, or no longer.
	ErrNoViewer = errors.New("no such viewer")
	// ErrBadFile means that the server cannot write a file where it should.
	ErrBadFile = errors.New("the file cannot be written")

	errNoRequest = errors.New("no such request")
	errNoMethod  = errors.New("no such method")
)

// Error is a failure that the server reported. errors.Is finds the error that
// its Code stands for:
//
//	no-such-request    errors.ErrUnsupported: the server does not know the request
//	no-such-method     errors.ErrUnsupported, likewise
//	no-such-terminal   server.ErrNoTerminal
//	no-such-viewer     ErrNoViewer
//	no-program         ErrNoProgram
//	not-tapped         server.ErrNotTapped
//	no-programs        server.ErrNoPrograms
//	read-only          hub.ErrReadOnly
//	taken              hub.ErrTaken
//	kicked             hub.ErrKicked
//	bad-cursor         hub.ErrBadCursor
//	timeout            context.DeadlineExceeded: the request's time was over
//	terminal-ended     hub.ErrEnded
//	ending             server.ErrEnding
//	not-found          syscall.ENOENT, the program is not there
//	not-executable     syscall.EACCES, the program cannot be executed
//	bad-directory      syscall.ENOTDIR, the program cannot start where it should
//	no-space           syscall.ENOSPC: every terminal the instance may have is open, or a disk is full
//	exists             fs.ErrExist: the file is there already
//	bad-file           ErrBadFile: it cannot be written for another reason
//	not-recorded       server.ErrNotRecorded
//	bad-request        ErrBadRequest
//	internal           none
type Error struct {
	Code string `json:"code"`
	Text string `json:"error"`
	Exit *int   `json:"exit,omitempty"` // of terminal-ended: the status of the program, as in ExitStatus, where it is known
}

func (e *Error) Error() string { return e.Text }

// Status is the status with which a server answers that code.
func (e *Error) Status() int {
	for _, c := range codes {
		if c.code == e.Code {
			return c.status
		}
	}
	return http.StatusInternalServerError
}

// Unwrap gives the error that the code stands for, nil when there is none.
func (e *Error) Unwrap() error {
	for _, c := range codes {
		if c.code == e.Code {
			return c.err
		}
	}
	return nil
}

// codes is the one table of what crosses the socket. The first line that matches
// an error gives its code; its err is what the client has of it.
var codes = []struct {
	code    string
	status  int
	err     error
	matches func(error) bool // nil: it is err
}{
	{"not-found", http.StatusUnprocessableEntity, syscall.ENOENT, notFound},
	{"not-executable", http.StatusUnprocessableEntity, syscall.EACCES, about(nsexec.OnProgram)},
	{"bad-directory", http.StatusUnprocessableEntity, syscall.ENOTDIR, about(nsexec.OnDir)},
	{"no-such-request", http.StatusNotFound, errors.ErrUnsupported, is(errNoRequest)},
	{"no-such-method", http.StatusMethodNotAllowed, errors.ErrUnsupported, is(errNoMethod)},
	{"no-such-viewer", http.StatusNotFound, ErrNoViewer, nil},
	{"no-program", http.StatusNotFound, ErrNoProgram, nil},
	{"no-such-terminal", http.StatusNotFound, server.ErrNoTerminal, nil},
	{"terminal-ended", http.StatusNotFound, hub.ErrEnded, nil},
	{"not-tapped", http.StatusConflict, server.ErrNotTapped, nil},
	{"no-programs", http.StatusConflict, server.ErrNoPrograms, nil},
	{"ending", http.StatusConflict, server.ErrEnding, nil},
	{"read-only", http.StatusForbidden, hub.ErrReadOnly, nil},
	{"taken", http.StatusConflict, hub.ErrTaken, nil},
	{"kicked", http.StatusConflict, hub.ErrKicked, nil},
	{"bad-cursor", http.StatusRequestedRangeNotSatisfiable, hub.ErrBadCursor, nil},
	{"timeout", http.StatusRequestTimeout, context.DeadlineExceeded, nil},
	{"not-recorded", http.StatusNotFound, server.ErrNotRecorded, nil},
	{"exists", http.StatusConflict, fs.ErrExist, nil},
	{"bad-request", http.StatusBadRequest, ErrBadRequest, nil},
	{"no-space", http.StatusInsufficientStorage, syscall.ENOSPC, nil},
	{"bad-file", http.StatusUnprocessableEntity, ErrBadFile, aboutFile},
}

// about matches the failure of a program's start that has to do with what.
func about(what string) func(error) bool {
	return func(err error) bool {
		var start *nsexec.StartError
		return errors.As(err, &start) && start.On == what
	}
}

func notFound(err error) bool {
	return about(nsexec.OnProgram)(err) && errors.Is(err, syscall.ENOENT)
}

func aboutFile(err error) bool { return errors.As(err, new(*fs.PathError)) }

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// endedError says that a terminal has ended which is known to have been there.
type endedError struct{ exit *int }

func (e *endedError) Error() string {
	if e.exit == nil {
		return hub.ErrEnded.Error()
	}
	return fmt.Sprintf("%v, with status %d", hub.ErrEnded, *e.exit)
}

func (e *endedError) Unwrap() error { return hub.ErrEnded }

// describe puts err into the form that crosses the socket.
func describe(err error) (e *Error, status int) {
	for _, c := range codes {
		if c.matches == nil && errors.Is(err, c.err) || c.matches != nil && c.matches(err) {
			e := &Error{Code: c.code, Text: err.Error()}
			if ended := (*endedError)(nil); errors.As(err, &ended) {
				e.Exit = ended.exit
			}
			return e, c.status
		}
	}
	return &Error{Code: "internal", Text: err.Error()}, http.StatusInternalServerError
}

func badRequest(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrBadRequest, fmt.Errorf(format, args...))
}
