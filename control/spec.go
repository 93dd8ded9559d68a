package control

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/termios"
)

// programRequest is a server.Spec as it crosses the socket.
type programRequest struct {
	Argv       []text `json:"argv"`
	Env        []text `json:"env"`
	Dir        text   `json:"dir,omitempty"`
	DirDefault text   `json:"dir_default,omitempty"`
	Rows       uint16 `json:"rows"`
	Cols       uint16 `json:"cols"`
	Modes      modes  `json:"modes,omitempty"`
	Attach     bool   `json:"attach"`
	Size       string `json:"size,omitempty"`
	Door       string `json:"door"`
	Name       string `json:"name"`
}

// text is a string in which the kernel takes any byte but NUL. In JSON it is a
// string, or {"base64": ...} when it is not UTF-8.
type text string

// modes are encoded terminal modes; in JSON a string in base64.
type modes []byte

// UnmarshalJSON takes modes that a terminal can be given.
func (m *modes) UnmarshalJSON(data []byte) error {
	var b []byte
	if err := json.Unmarshal(data, &b); err != nil {
		return err
	}
	t := termios.Default()
	if err := t.TakeModes(b); err != nil {
		return badRequest("modes: %w", err)
	}
	*m = b
	return nil
}

type base64Text struct {
	Bytes []byte `json:"base64"`
}

// MarshalJSON makes the form that fits.
func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(base64Text{[]byte(t)})
}

// UnmarshalJSON takes both forms, and no NUL.
func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	if len(data) > 0 && data[0] == '{' {
		var b base64Text
		if err := json.Unmarshal(data, &b); err != nil {
			return err
		}
		s = string(b.Bytes)
	} else if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	if strings.ContainsRune(s, 0) {
		return badRequest("%q has a NUL", s)
	}
	*t = text(s)
	return nil
}

func requestOf(s server.Spec) programRequest {
	return programRequest{
		Argv: convert[text](s.Argv), Env: convert[text](s.Env),
		Dir: text(s.Dir), DirDefault: text(s.DirDefault),
		Rows: s.Rows, Cols: s.Cols, Modes: s.Modes, Attach: s.Attach, Size: s.Size, Door: s.Who.Door, Name: s.Who.Name,
	}
}

func (r *programRequest) spec() server.Spec {
	return server.Spec{
		Argv: convert[string](r.Argv), Env: convert[string](r.Env),
		Dir: string(r.Dir), DirDefault: string(r.DirDefault),
		Rows: r.Rows, Cols: r.Cols, Modes: r.Modes, Attach: r.Attach, Size: r.Size, Who: hub.Who{Door: r.Door, Name: r.Name},
	}
}

func convert[To, From ~string](from []From) []To {
	to := make([]To, len(from))
	for i, s := range from {
		to[i] = To(s)
	}
	return to
}
