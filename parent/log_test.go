//go:build linux

package parent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// record is a line of a server's log.
type record struct{ Level, Msg, Namespace, Error string }

// log is what the server of a namespace has logged.
func log(t *testing.T, p *Parent, name string) (records []record) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.Dir().Path(), name, "log"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		records = append(records, r)
	}
	return records
}

// A server logs in JSON from its first line to its last, of which clean-up shows people
// what went wrong and nothing else.
func TestLog(t *testing.T) {
	p := open(t)
	s := create(t, p, "vs1")
	cat(t, s)
	if err := s.proc.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.exited
	if got := log(t, p, "vs1"); len(got) != 1 || got[0] != (record{"INFO", "serving", "vs1", ""}) {
		t.Errorf("the log: %+v", got)
	}
	if cleaned, err := p.Dir().Clean(); err != nil || len(cleaned) != 1 || cleaned[0].Log != "" {
		t.Errorf("Clean = %+v, %v", cleaned, err)
	}
}
