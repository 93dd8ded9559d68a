package oracle

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// conversations reads testdata.
func conversations(t *testing.T) []*Conversation {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no conversations in testdata: %v", err)
	}
	var all []*Conversation
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Parse(strings.TrimSuffix(filepath.Base(name), ".txt"), bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// pairRows are the rows of the list of behaviours that implementations commonly get wrong which
// concern pairs; the others (1 to 9, 54 to 56) are those of the file system around them.
func pairRows() map[string]bool {
	rows := make(map[string]bool)
	for n := 10; n <= 60; n++ {
		if n < 54 || n > 56 {
			rows[strconv.Itoa(n)] = true
		}
	}
	return rows
}

// Each of those rows is in a conversation that says so.
func TestRows(t *testing.T) {
	missing := pairRows()
	for _, c := range conversations(t) {
		for _, row := range strings.Fields(c.Header["rows"]) {
			if !pairRows()[row] {
				t.Errorf("%s holds row %q, which is not one of a pair", c.Name, row)
			}
			delete(missing, row)
		}
	}
	for row := range missing {
		t.Errorf("no conversation holds row %s", row)
	}
}

// What is written is what was read.
func TestParseKeeps(t *testing.T) {
	for _, c := range conversations(t) {
		want, err := os.ReadFile("testdata/" + c.Name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := c.WriteTo(&got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got.String(), string(want)); diff != "" {
			t.Errorf("%s: written (-) is not what was read (+):\n%s", c.Name, diff)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, b := range []string{"", "a", "\"\\\n\r\t\b\x00\xff", strings.Repeat("x", 4095) + "\n", strings.Repeat("ab", 30)} {
		got, err := unquote(quote([]byte(b)))
		if err != nil || string(got) != b {
			t.Errorf("%q comes back from %s as %q, %v", b, quote([]byte(b)), got, err)
		}
	}
	for _, s := range []string{`"`, `a`, `"\q"`, `"\x4"`, `"a"*x`, `"a"*-1`, `"a"*99999999`} {
		if b, err := unquote(s); err == nil {
			t.Errorf("%s is taken for %q", s, b)
		}
	}
}

// DIFFERENCES.md lists the conversations that differ, each with its reason.
func TestDifferences(t *testing.T) {
	b, err := os.ReadFile("../../DIFFERENCES.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]string)
	for _, line := range strings.Split(string(b), "\n") {
		if cells := strings.Split(line, "|"); len(cells) == 4 && strings.HasPrefix(line, "| `") {
			listed[strings.Trim(cells[1], " `")] = strings.TrimSpace(cells[2])
		}
	}
	for _, c := range conversations(t) {
		reason := c.Header["differs"]
		if listed[c.Name] != reason {
			t.Errorf("%s: the file says %q, DIFFERENCES.md says %q", c.Name, reason, listed[c.Name])
		}
		delete(listed, c.Name)
	}
	for name := range listed {
		t.Errorf("DIFFERENCES.md lists %s, which is no conversation", name)
	}
}
