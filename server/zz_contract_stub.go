//go:build linux

package server

// This file is temporary: what package control needs of a namespace and is being
// written elsewhere. Delete it once that is there.

import (
	"errors"

	"github.com/ptsns/ptsns/hub"
)

// RecordSpec says how a terminal is recorded.
type RecordSpec struct {
	File  string `json:"file"`            // an absolute path, of a file that does not exist
	Input bool   `json:"input,omitempty"` // what is typed too, except while ECHO is off
	V2    bool   `json:"v2,omitempty"`    // asciicast v2 in place of v3
}

var errNoRecordings = errors.New("this server does not record")

func (n *Namespace) Kick(id uint64) bool                     { return n.hub.Kick(id) }
func (n *Namespace) Events() *hub.Events                     { return n.hub.Events() }
func (n *Namespace) Record(index int, spec RecordSpec) error { return errNoRecordings }
func (n *Namespace) StopRecord(index int, file string) error { return errNoRecordings }
