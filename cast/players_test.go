package cast

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The real asciinema shows what we write, chain and all. Debian's is 2.x, which
// reads no v3; e2e's TestPlayer has the asciinema player for web pages show both.
func TestAsciinemaPlays(t *testing.T) {
	version, err := exec.Command("asciinema", "--version").Output()
	if err != nil {
		if os.Getenv("PTSNS_REQUIRE") == "1" {
			t.Fatal(err)
		}
		t.Skip("asciinema is not installed: ", err)
	}
	for _, opts := range []Options{{Version: V2}, {Version: V2, Input: true, NoChain: true}, {Version: V3, Input: true}} {
		if opts.Version == V3 && strings.Contains(string(version), " 2.") {
			t.Logf("%s reads no v3", strings.TrimSpace(string(version)))
			continue
		}
		file := sample(t, opts)
		path := filepath.Join(t.TempDir(), "a.cast")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("asciinema", "play", "-s", "1000000", path)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "ASCIINEMA_CONFIG_HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if want := output(t, file); err != nil || string(out) != want {
			t.Errorf("%+v: %v, asciinema shows %q, want %q", opts, err, out, want)
		}
	}
}
