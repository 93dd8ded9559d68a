//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVirtual runs the documents' parts on virtual instances, as Linux of each generation
// did them: those of TestDocument, and what the patchset of 2008 says. Every script has a
// machine of its own: see testdata/virtual/bin.
func TestVirtual(t *testing.T) {
	need(t, "root", "fuse", "bash", "unshare", "nsenter", "runuser", "script", "python3", "mount", "umount")
	scripts, err := filepath.Glob("testdata/virtual/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		if !strings.Contains(string(readme), "`virtual/"+filepath.Base(script)+"`") {
			t.Errorf("README.md does not list virtual/%s", filepath.Base(script))
		}
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runOnMachine(t, script, "testdata/virtual/bin", func(string) error { return nil })
		})
	}
}
