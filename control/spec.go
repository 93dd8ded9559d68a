package control

import (
	"bytes"
	"encoding/json"
	"errors"
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

// octets are any bytes. In JSON they are a string, or {"base64": ...} when they are
// not UTF-8.
type octets []byte

type base64Octets struct {
	Bytes *[]byte `json:"base64"`
}

// MarshalJSON makes the form that fits.
func (o octets) MarshalJSON() ([]byte, error) {
	if utf8.Valid(o) {
		return json.Marshal(string(o))
	}
	b := []byte(o)
	return json.Marshal(base64Octets{&b})
}

// UnmarshalJSON takes both forms.
func (o *octets) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '{' {
		var s *string
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		if s == nil {
			return errors.New("null is neither a string nor base64")
		}
		*o = octets(*s)
		return nil
	}
	var b base64Octets
	if err := decodeStrictly(data, &b); err != nil {
		return err
	}
	if b.Bytes == nil {
		return errors.New("an object without base64")
	}
	*o = *b.Bytes
	return nil
}

// text is a string in which the kernel takes any byte but NUL. Its JSON is that of
// octets.
type text string

// MarshalJSON makes the form that fits.
func (t text) MarshalJSON() ([]byte, error) { return octets(t).MarshalJSON() }

// UnmarshalJSON takes both forms, and no NUL.
func (t *text) UnmarshalJSON(data []byte) error {
	var o octets
	if err := o.UnmarshalJSON(data); err != nil {
		return err
	}
	if bytes.IndexByte(o, 0) >= 0 {
		return badRequest("%q has a NUL", o)
	}
	*t = text(o)
	return nil
}

func requestOf(s server.Spec) programRequest {
	return programRequest{
		Argv: convert[text](s.Argv), Env: convert[text](s.Env),
		Dir: text(s.Dir), DirDefault: text(s.DirDefault),
		Rows: s.Rows, Cols: s.Cols, Modes: s.Modes, Attach: s.Attach, Size: s.Size, Door: s.Who.Door, Name: s.Who.Name,
	}
}

func (r *programRequest) spec(who hub.Who) server.Spec {
	return server.Spec{
		Argv: convert[string](r.Argv), Env: convert[string](r.Env),
		Dir: string(r.Dir), DirDefault: string(r.DirDefault),
		Rows: r.Rows, Cols: r.Cols, Modes: r.Modes, Attach: r.Attach, Size: r.Size, Who: who,
	}
}

func convert[To, From ~string](from []From) []To {
	to := make([]To, len(from))
	for i, s := range from {
		to[i] = To(s)
	}
	return to
}
