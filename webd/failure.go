package webd

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"

	"github.com/ptsns/ptsns/control"
)

// failure is why something was refused, as the page gets to know it.
type failure struct {
	status int
	Code   string `json:"code"`
	Text   string `json:"error"`
	exit   *int   // of terminal-ended: the program's status, where it is known
}

func newFailure(status int, code, text string) *failure {
	return &failure{status: status, Code: code, Text: text}
}

func (f *failure) Error() string { return f.Text }

// The failures that are the door's own.
var (
	errForeignHost   = newFailure(http.StatusMisdirectedRequest, "foreign-host", "the door is not known by that name: use its address, or start it with --web-origin")
	errForeignOrigin = newFailure(http.StatusForbidden, "foreign-origin", "the request does not come from a page of this door")
	errNotLoggedIn   = newFailure(http.StatusUnauthorized, "not-logged-in", "nobody is logged in")
	errWrongToken    = newFailure(http.StatusUnauthorized, "wrong-token", "that is not the token")
	errTooManyTries  = newFailure(http.StatusTooManyRequests, "too-many-tries", "too many wrong tokens: wait a little")
	errTooMany       = newFailure(http.StatusServiceUnavailable, "too-many", "too many terminals are open in browsers")
	errReadOnly      = newFailure(http.StatusForbidden, "read-only", "this door is for looking on only")
	errNoSuchRequest = newFailure(http.StatusNotFound, "no-such-request", "there is no such request")
	errNoRecording   = newFailure(http.StatusNotFound, "no-such-recording", "there is no such recording")
	errNoNamespace   = newFailure(http.StatusNotFound, "no-such-namespace", "there is no such namespace")
	errServerGone    = newFailure(http.StatusBadGateway, "server-gone", "the server of the namespace has gone")
)

// describe gives err the form that crosses to the page.
func describe(err error) *failure {
	var ours *failure
	var theirs *control.Error
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &theirs):
		return &failure{status: http.StatusConflict, Code: theirs.Code, Text: theirs.Text, exit: theirs.Exit}
	case errors.Is(err, control.ErrServerGone):
		return errServerGone
	case errors.Is(err, fs.ErrNotExist):
		return errNoNamespace
	case errors.Is(err, control.ErrBadRequest):
		return newFailure(http.StatusBadRequest, "bad-request", err.Error())
	}
	return newFailure(http.StatusInternalServerError, "internal", err.Error())
}

func writeFailure(w http.ResponseWriter, err error) {
	f := describe(err)
	writeJSON(w, f.status, f)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a browser that has gone needs no answer
}
