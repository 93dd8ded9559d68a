package control

import (
	"errors"
	"fmt"
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
)

// Error is a failure that the server reported. errors.Is finds the error that
// its Code stands for:
//
//	no-such-terminal   server.ErrNoTerminal
//	not-tapped         server.ErrNotTapped
//	read-only          hub.ErrReadOnly
//	terminal-ended     hub.ErrEnded
//	ending             server.ErrEnding
//	not-found          syscall.ENOENT, the program is not there
//	not-executable     syscall.EACCES, the program cannot be executed
//	bad-directory      syscall.ENOTDIR, the program cannot start where it should
//	no-space           syscall.ENOSPC, every terminal the instance may have is open
//	bad-request        ErrBadRequest
//	internal           none
type Error struct {
	Code string `json:"code"`
	Text string `json:"error"`
}

func (e *Error) Error() string { return e.Text }

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
	{"no-such-terminal", http.StatusNotFound, server.ErrNoTerminal, nil},
	{"terminal-ended", http.StatusNotFound, hub.ErrEnded, nil},
	{"not-tapped", http.StatusConflict, server.ErrNotTapped, nil},
	{"ending", http.StatusConflict, server.ErrEnding, nil},
	{"read-only", http.StatusForbidden, hub.ErrReadOnly, nil},
	{"bad-request", http.StatusBadRequest, ErrBadRequest, nil},
	{"no-space", http.StatusInsufficientStorage, syscall.ENOSPC, nil},
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

// describe puts err into the form that crosses the socket.
func describe(err error) (e *Error, status int) {
	for _, c := range codes {
		if c.matches == nil && errors.Is(err, c.err) || c.matches != nil && c.matches(err) {
			return &Error{Code: c.code, Text: err.Error()}, c.status
		}
	}
	return &Error{Code: "internal", Text: err.Error()}, http.StatusInternalServerError
}

func badRequest(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrBadRequest, fmt.Errorf(format, args...))
}
